//! What an import may have to say of a document or a file: one table of names and meanings.

use Weight::{LeftOut, LookAt, Note};

/// How much it matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Weight {
    /// Something did not come over.
    LeftOut,
    /// All came over, and phones may not be served as they were.
    LookAt,
    /// Nothing to be done.
    Note,
}

/// Something that an import says of a document or a file. In the order of reports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Fact {
    /// An entry of a folder cannot be read.
    Unreadable,
    /// A document is no JSON object.
    NoJson,
    /// No document can have this name.
    BadName,
    /// A configuration has not the form of one.
    BadConfig,
    /// A device's value cannot be one.
    BadValue,
    /// A document is another one here.
    DocumentKept,
    /// A template is another one here.
    TemplateKept,
    /// The parameters are others here.
    ParametersKept,
    /// A file of settings cannot be read.
    BadSettingsFile,
    /// A device's plugin is not there.
    UnknownPlugin,
    /// A device's configuration is not there.
    NoConfig,
    /// A configuration's parent is not there.
    NoParent,
    /// A configuration has values that are not valid.
    BadSettings,
    /// The master tenant is another one here.
    OtherMaster,
    /// Firmware that was installed.
    Package,
    /// Provisioning keys, which count where the settings say so.
    Key,
    /// A file of a plugin's that means nothing here.
    PluginFile,
    /// Templates of a plugin that is not there.
    StrayTemplate,
    /// A document's id is not its file's name.
    OtherId,
    /// Half of a surrogate pair was replaced.
    Surrogate,
    /// An address was brought to its normal form.
    Address,
    /// A device without a tenant.
    NoTenant,
    /// `is_new` was missing or is otherwise here.
    IsNew,
    /// `configured` was missing or is otherwise here.
    Configured,
    /// A configuration lacked its type, its parents or its settings.
    Lacking,
    /// Configurations that lie on each other.
    Loop,
    /// A MAC of several devices.
    SharedMac,
    /// A transient configuration that no device has.
    Orphan,
}

impl Weight {
    /// Its name for machines.
    pub fn name(self) -> &'static str {
        match self {
            Weight::LeftOut => "left_out",
            Weight::LookAt => "look_at",
            Weight::Note => "note",
        }
    }

    pub(super) fn heading(self) -> &'static str {
        match self {
            Weight::LeftOut => "Left out:",
            Weight::LookAt => "To be looked at:",
            Weight::Note => "Noted:",
        }
    }
}

impl Fact {
    /// Its name for machines.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// How much it matters.
    pub fn weight(self) -> Weight {
        self.row().2
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        self.row().3
    }

    /// Whether an example stands for one; else for as many as it says.
    pub(super) fn has_example_each(self) -> bool {
        !matches!(self, Fact::UnknownPlugin | Fact::OtherMaster)
    }

    fn row(self) -> &'static Row {
        let row = ROWS.iter().find(|row| row.0 == self);
        row.expect("invariant: each fact has a row")
    }
}

/// A fact, its name, how much it matters, what it means.
type Row = (Fact, &'static str, Weight, &'static str);

const ROWS: [Row; 28] = [
    (Fact::Unreadable, "unreadable", LeftOut, "entries that cannot be read"),
    (Fact::NoJson, "no_json", LeftOut, "documents that are no JSON object"),
    (Fact::BadName, "bad_name", LeftOut, "file names that are no text"),
    (Fact::BadConfig, "bad_config", LeftOut, "configurations that are none"),
    (
        Fact::BadValue,
        "bad_value",
        LeftOut,
        "values that a device cannot have: kept under keys that begin with X_import_",
    ),
    (
        Fact::DocumentKept,
        "document_kept",
        LeftOut,
        "documents that are others here: kept as they are here (--overwrite takes them)",
    ),
    (
        Fact::TemplateKept,
        "template_kept",
        LeftOut,
        "templates that are others here: kept as they are here",
    ),
    (
        Fact::ParametersKept,
        "parameters_kept",
        LeftOut,
        "parameters that are others here: kept as they are here (--overwrite takes them)",
    ),
    (Fact::BadSettingsFile, "bad_settings_file", LeftOut, "files of settings that cannot be read"),
    (
        Fact::UnknownPlugin,
        "unknown_plugin",
        LookAt,
        "devices whose plugin is not there: they get no files",
    ),
    (
        Fact::NoConfig,
        "no_config",
        LookAt,
        "devices whose configuration is missing: they get no files",
    ),
    (Fact::NoParent, "no_parent", LookAt, "configurations whose parent is missing"),
    (
        Fact::BadSettings,
        "bad_settings",
        LookAt,
        "configurations with settings that are not valid: their phones get no files",
    ),
    (
        Fact::OtherMaster,
        "other_master",
        LookAt,
        "new devices of a tenant that is not identification.master_tenant",
    ),
    (Fact::Package, "package", LookAt, "firmware that was installed: files/<plugin id>/ needs it"),
    (
        Fact::Key,
        "key",
        LookAt,
        "provisioning keys: kept; asked for where http_auth_strategy is \"url_key\"",
    ),
    (
        Fact::PluginFile,
        "plugin_file",
        LookAt,
        "settings of a plugin itself: they have no effect here",
    ),
    (
        Fact::StrayTemplate,
        "stray_template",
        LookAt,
        "templates of a plugin that is not there: copied",
    ),
    (
        Fact::OtherId,
        "other_id",
        Note,
        "documents whose id is not their file's name: the name counts",
    ),
    (Fact::Surrogate, "surrogate", Note, "documents with halves of characters: replaced by U+FFFD"),
    (Fact::Address, "address", Note, "addresses brought to their normal form"),
    (Fact::NoTenant, "no_tenant", Note, "devices without a tenant: they go to the master tenant"),
    (Fact::IsNew, "is_new", Note, "devices whose is_new was computed"),
    (Fact::Configured, "configured", Note, "devices whose configured was computed"),
    (Fact::Lacking, "lacking", Note, "keys of configurations that were computed"),
    (Fact::Loop, "loop", Note, "configurations that lie on themselves, which is legal"),
    (Fact::SharedMac, "shared_mac", Note, "MACs of several devices, which is legal"),
    (Fact::Orphan, "orphan", Note, "transient configurations that no device has: taken"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_the_order_of_reports() {
        assert!(ROWS.is_sorted_by(|left, right| left.0 < right.0));
        assert!(ROWS.is_sorted_by(|left, right| left.2 <= right.2));
    }
}
