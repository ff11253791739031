{% for key in data.fixed_keys[model_name] %}
{% set does = key.does if key.does != "directory" else "none" if directory else "keyevent F_ADR_BOOK" %}
    <fkey idx="{{ loop.index0 }}" context="{{ key.context }}" perm="R">{{ does }}</fkey>
{% endfor %}
{% set words = {
    "speeddial": "speed",
    "park": "orbit" if model_name in data.orbit else "speed",
    "blf": "blf" if exten_pickup_call,
} %}
{% for number, key in funckeys|numsort if words[key.type] and number.isdigit() %}
{% set label = key.label or key.value %}
    <fkey idx="{{ number|int - 1 }}" context="active" label="{{ label }}" short_label="{{ label }}" perm="R">{{ words[key.type] }} {{ key.value }}{{ "|" ~ exten_pickup_call if key.type == "blf" }}</fkey>
{% endfor %}
