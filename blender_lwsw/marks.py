"""Custom properties that mark our strips; names can be changed by the artist, these stay."""

RESULT_MARK = "lwsw_result"
SOURCE_MARK = "lwsw_source"
SIZE_MARK = "lwsw_size"
SETTINGS_MARK = "lwsw_settings"
