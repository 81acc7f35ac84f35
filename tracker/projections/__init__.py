from tracker.projections import segments

PROJECTIONS = (segments,)
