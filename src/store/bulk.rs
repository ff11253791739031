//! Many documents at once: tables are written beside the store and taken in whole, past its log.

use rocksdb::{Cache, IngestExternalFileOptions, SstFileWriter};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::rocks::{
    PARAMETERS_KEY, Rocks, UNFINISHED_KEY, explain, family, io_error, name_of, table_options,
};
use super::{Kind, StoreError};
use crate::device::Text;
use crate::limits;

/// Many documents of both kinds, each kind in the order of names, each name once.
pub struct Bulk<'a> {
    /// Configurations.
    pub configs: &'a mut dyn Iterator<Item = (Text, Vec<u8>)>,
    /// Devices.
    pub devices: &'a mut dyn Iterator<Item = (Text, Vec<u8>)>,
    /// The operators' parameters, a JSON object; none: they stay as they are.
    pub parameters: Option<Vec<u8>>,
}

impl Rocks {
    /// Takes many documents in. They go over what has the same name. All tables are written before
    /// the first is taken in; where it ends between two of them, by a crash or an error, the folder
    /// is marked, and [`Rocks::open`] refuses it until an import has come to its end.
    ///
    /// # Errors
    /// [`StoreError`]; the store is as it was, or marked.
    pub fn ingest(&self, bulk: Bulk<'_>) -> Result<usize, StoreError> {
        let beside = self.folder().join("ingest");
        let explain_io = |error| io_error(&beside, &error);
        // What one that was broken off left behind.
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(explain_io)?;
        }
        fs::create_dir(&beside).map_err(explain_io)?;
        let result = self.ingest_beside(&beside, bulk);
        fs::remove_dir_all(&beside).map_err(explain_io)?;
        result
    }

    fn ingest_beside(&self, beside: &Path, bulk: Bulk<'_>) -> Result<usize, StoreError> {
        let mut kinds = Vec::new();
        let mut count = 0;
        for (kind, documents) in [(Kind::Config, bulk.configs), (Kind::Device, bulk.devices)] {
            let (tables, written) = write_tables(beside, name_of(kind), documents)?;
            count += written;
            kinds.extend((!tables.is_empty()).then_some((kind, tables)));
        }
        let db = self.db()?;
        if !kinds.is_empty() {
            self.put_meta(Some((UNFINISHED_KEY, b"1")), None)?;
        }
        for (kind, tables) in kinds {
            let mut options = IngestExternalFileOptions::default();
            options.set_move_files(true);
            db.ingest_external_file_cf_opts(family(&db, name_of(kind)), &options, tables)
                .map_err(|error| explain(self.folder(), &error))?;
        }
        let parameters = bulk.parameters.as_deref().map(|text| (PARAMETERS_KEY, text));
        self.put_meta(parameters, Some(UNFINISHED_KEY))?;
        Ok(count)
    }
}

/// Writes tables of like size into a folder; tells their names and how many documents they hold.
fn write_tables(
    folder: &Path,
    name: &str,
    documents: &mut dyn Iterator<Item = (Text, Vec<u8>)>,
) -> Result<(Vec<PathBuf>, usize), StoreError> {
    let options = table_options(&Cache::new_lru_cache(0));
    let failed = |error: rocksdb::Error| explain(folder, &error);
    let (mut tables, mut count) = (Vec::new(), 0);
    let mut documents = documents.peekable();
    while documents.peek().is_some() {
        let path = folder.join(format!("{name}-{:06}.sst", tables.len()));
        let mut table = SstFileWriter::create(&options);
        table.open(&path).map_err(failed)?;
        let mut bytes = 0;
        for (id, json) in documents.by_ref() {
            table.put(id.as_bytes(), &json).map_err(failed)?;
            bytes += json.len();
            count += 1;
            if bytes >= limits::STORE_TABLE_BYTES {
                break;
            }
        }
        table.finish().map_err(failed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .map_err(|error| io_error(&path, &error))?;
        tables.push(path);
    }
    Ok((tables, count))
}
