"""The analyst's form: fields of text in, a development as JSON out, and back. Whatever is wrong is told field by field,
all of it at once; nothing that was typed is lost."""
