{% if hours > 0 %}UTC+{{ hours }}{% elif hours < 0 %}UTC-{{ (-hours)|string|zfill(2) }}{% else %}UCT{% endif %}
