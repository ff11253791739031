//! Many documents at once: tables are written beside the store and taken in whole, past its log.

use rocksdb::{Cache, IngestExternalFileOptions, SstFileWriter};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::rocks::{Rocks, explain, family, io_error, name_of, table_options};
use super::{Kind, StoreError};
use crate::device::Text;
use crate::limits;

impl Rocks {
    /// Takes documents of one kind in, which come in the order of their names, each once. They go
    /// over what has the same name. All are taken in or, where this fails, none.
    ///
    /// # Errors
    /// [`StoreError`]; the store is as it was.
    pub fn ingest(
        &self,
        kind: Kind,
        documents: &mut dyn Iterator<Item = (Text, Vec<u8>)>,
    ) -> Result<usize, StoreError> {
        let db = self.db()?;
        let beside = self.folder().join("ingest");
        let explain_io = |error| io_error(&beside, &error);
        // What a start before this one left behind.
        if beside.exists() {
            fs::remove_dir_all(&beside).map_err(explain_io)?;
        }
        fs::create_dir(&beside).map_err(explain_io)?;
        let result = write_tables(&beside, documents).and_then(|(tables, count)| {
            if !tables.is_empty() {
                let mut options = IngestExternalFileOptions::default();
                options.set_move_files(true);
                db.ingest_external_file_cf_opts(family(&db, name_of(kind)), &options, tables)
                    .map_err(|error| explain(self.folder(), &error))?;
            }
            Ok(count)
        });
        fs::remove_dir_all(&beside).map_err(explain_io)?;
        result
    }
}

/// Writes tables of like size into a folder; tells their names and how many documents they hold.
fn write_tables(
    folder: &Path,
    documents: &mut dyn Iterator<Item = (Text, Vec<u8>)>,
) -> Result<(Vec<PathBuf>, usize), StoreError> {
    let options = table_options(&Cache::new_lru_cache(0));
    let failed = |error: rocksdb::Error| explain(folder, &error);
    let (mut tables, mut count) = (Vec::new(), 0);
    let mut documents = documents.peekable();
    while documents.peek().is_some() {
        let path = folder.join(format!("{:06}.sst", tables.len()));
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
