# Panasonic SIP Phone Standard Format File #
CFG_STANDARD_FILE_PATH="/Panasonic/Config{{ "{MAC}" }}.cfg"

