from tracker.projections.painting import Painting

PROJECTIONS = (Painting,)
