from tracker.projections.segments import Painting

PROJECTIONS = (Painting,)
