{% set keys = data.soft_keys[model_name] %}
{% if keys == "gui" %}
    <gui_fkey1 perm="R">{{ "none" if directory else "F_ADR_BOOK" }}</gui_fkey1>
    <gui_fkey4 perm="R">none</gui_fkey4>
{% elif keys == "status" %}
    <gui_fkey1 perm="R">keyevent {{ "F_NONE" if directory else "F_ADR_BOOK" }}</gui_fkey1>
    <gui_fkey4 perm="R">keyevent F_STATUS</gui_fkey4>
{% elif keys %}
{% if directory %}
    <context_key idx="0" perm="R">
      <initialization>
        <variable name="label" value="{{ data.directory[(locale or "").split("_")[0]] or data.directory.en }}"/>
        <variable name="icon" value="kIconTypeFkeyAdrBook"/>
      </initialization>
      <action>
        <url target="{{ directory }}" when="on press"/>
      </action>
    </context_key>
{% else %}
    <context_key idx="0" perm="R">keyevent F_ADR_BOOK</context_key>
{% endif %}
    <context_key idx="1" perm="R">keyevent F_REDIRECT</context_key>
    <context_key idx="2" perm="R">keyevent {{ "F_SETTINGS" if keys == "settings" else "F_CALL_LIST" }}</context_key>
    <context_key idx="3" perm="R">keyevent F_STATUS</context_key>
{% endif %}
