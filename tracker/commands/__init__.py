from tracker.commands import catching, keeping, keys, reading, recording, serving, sources, talks, telling

COMMANDS = (
    ("Run", serving.COMMANDS),
    ("Record", recording.COMMANDS),
    ("Read", (*reading.COMMANDS, *talks.COMMANDS, *sources.COMMANDS)),
    ("Tell", (*telling.COMMANDS, catching.mail_sink)),
    ("Keep", (keys.key, *keeping.COMMANDS)),
)
"""All commands, in the groups that the help shows."""
