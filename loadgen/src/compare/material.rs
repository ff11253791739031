//! What is served: a fleet that ringboot knows, its rendered files as plain ones, and the requests.

use super::servers::{Kind, Load, Site};
use crate::fleet::{Fleet, Recipe, TENANT};
use crate::lab::asking::{Asking, lines};
use crate::lab::process::{Server, fetch, output, pinned, wait_until_free};
use crate::profile::Profiles;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::limits::{COMPARE_SIZE_OFF_PERCENT, COMPARE_SPARE_NAME_BYTES};

/// The large file's name: firmware, as far as servers are concerned.
const FIRMWARE: &str = "/firmware.bin";

/// What is made.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Name of their profile: one that has the same file by HTTP and by TFTP.
    pub phone: String,
    /// Phones that ringboot knows.
    pub phones: u64,
    /// Those of them that ask.
    pub clients: usize,
    /// Those that load the large file.
    pub loaders: usize,
    /// Length that the small file is to have, about.
    pub bytes: usize,
    /// Length of the large file.
    pub firmware_bytes: usize,
}

/// What was made, beside the site.
#[derive(Clone, Debug)]
pub struct Material {
    /// Requests for small files, a line a client.
    pub small: PathBuf,
    /// Requests for the large file.
    pub large: PathBuf,
    /// The large file.
    pub firmware: PathBuf,
}

/// Makes all of it below the site's folder, and tells the site what the small file is like.
///
/// # Errors
/// What could not be made.
pub fn make(site: &mut Site, wanted: &Wanted) -> Result<Material> {
    fs::create_dir_all(&site.root).with_context(|| site.root.display().to_string())?;
    let profiles = Profiles::load(&site.plugins)?;
    let profile =
        profiles.find(&wanted.phone).with_context(|| format!("no profile {}", wanted.phone))?;
    let mix = format!("{}=1", wanted.phone).parse()?;
    let recipe = Recipe { count: wanted.phones, mix, seed: 1, spread: true };
    let fleet = Fleet::generate(&profiles, &recipe)?;
    let asking: Vec<Asking> =
        fleet.members.iter().map(|member| Asking::of(profile, member)).collect::<Result<_>>()?;
    ensure!(wanted.clients <= asking.len(), "more clients than phones");
    let clients = &asking[..wanted.clients];

    // The first files tell how much a name has to be longer for the file to have its length.
    let first = render(site, &fleet, "", &clients[..1])?;
    let uses = memchr::memmem::find_iter(&first[0], SPARE_MARK).count();
    let lacking = wanted.bytes.saturating_sub(first[0].len()) / uses.max(1);
    let spare = "x".repeat(lacking.min(COMPARE_SPARE_NAME_BYTES));
    let files = render(site, &fleet, &spare, clients)?;
    site.bytes = files[0].len();
    site.small.clone_from(&clients[0].path);
    let off = site.bytes.abs_diff(wanted.bytes) * 100;
    ensure!(
        off <= wanted.bytes * COMPARE_SIZE_OFF_PERCENT,
        "the small file has {} bytes and not about {}",
        site.bytes,
        wanted.bytes
    );
    for (client, file) in clients.iter().zip(&files) {
        ensure!(file.len() == site.bytes, "the small files are not of one length");
        write(&below(&site.root, &client.path), file)?;
    }
    let small = site.folder.join("small.tsv");
    write(&small, lines(clients, None).as_bytes())?;
    let large = site.folder.join("large.tsv");
    let loaders = asking.iter().cycle().take(wanted.loaders).cloned().collect::<Vec<_>>();
    write(&large, lines(&loaders, Some(FIRMWARE)).as_bytes())?;
    let firmware = firmware(site, &profile.plugin, wanted.firmware_bytes)?;
    Ok(Material { small, large, firmware })
}

/// What stands in a display name of the fleet, and nowhere else.
const SPARE_MARK: &[u8] = b"Phone ";

/// Takes the fleet into a new store, with `spare` behind each display name, and fetches the own
/// files of `asking`: these phones are known with their model and address from then on.
fn render(site: &Site, fleet: &Fleet, spare: &str, asking: &[Asking]) -> Result<Vec<Vec<u8>>> {
    if site.data.exists() {
        fs::remove_dir_all(&site.data).with_context(|| site.data.display().to_string())?;
    }
    let file = site.folder.join("fleet.jsonl");
    let mut text = Vec::new();
    fleet.write(TENANT, &mut text).context("a fleet")?;
    write(&file, &with_longer_names(&text, spare)?)?;
    let program = Kind::Ringboot.program(&site.programs)?;
    let mut import = pinned(&program, None);
    import.arg("import").arg("--fleet").arg(&file).arg("--data-dir").arg(&site.data);
    output(import.arg("--plugins-dir").arg(&site.plugins).stdin(Stdio::null()))?;

    let load = Load::Close;
    let mut command = Kind::Ringboot.command(load, site)?;
    wait_until_free(Kind::Ringboot.address(load, site))?;
    let mut server =
        Server::start(Kind::Ringboot.name(), &mut command, &site.folder.join("ringboot.log"))?;
    server.wait_shortly(&Kind::Ringboot.ready(load, site))?;
    let address = Kind::Ringboot.address(load, site);
    let fetched = asking.iter().map(|of| fetch(address, of.source, &of.path, &of.agent)).collect();
    server.stop()?;
    fetched
}

/// The fleet's lines with a longer display name.
fn with_longer_names(lines: &[u8], spare: &str) -> Result<Vec<u8>> {
    let mut text = Vec::with_capacity(lines.len());
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let mut document: serde_json::Value = serde_json::from_slice(line).context("a fleet")?;
        let name = document.pointer_mut("/config/raw_config/sip_lines/1/display_name");
        if let Some(serde_json::Value::String(name)) = name
            && name.as_bytes().starts_with(SPARE_MARK)
        {
            name.push_str(spare);
        }
        serde_json::to_writer(&mut text, &document).context("a fleet")?;
        text.push(b'\n');
    }
    Ok(text)
}

/// The large file: where ringboot's operators put firmware, and where any server has it.
fn firmware(site: &Site, plugin: &str, bytes: usize) -> Result<PathBuf> {
    let folder = site.data.join("files").join(plugin);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let file = below(&site.root, FIRMWARE);
    // No two blocks are alike, so that a block in the wrong place is seen.
    let words =
        (0..bytes.div_ceil(8)).map(|index| crate::chance::Chance::of(7, index as u64).next());
    let mut text: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    text.truncate(bytes);
    write(&file, &text)?;
    write(&below(&folder, FIRMWARE), &text)?;
    Ok(file)
}

/// A path of a request as one below a folder.
fn below(folder: &Path, path: &str) -> PathBuf {
    folder.join(path.trim_start_matches('/'))
}

/// Writes a file that servers of other users can read too.
fn write(file: &Path, text: &[u8]) -> Result<()> {
    let told = || file.display().to_string();
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(told)?;
    }
    fs::write(file, text).with_context(told)?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o644)).with_context(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_grow_and_nothing_else_changes() {
        let line = concat!(
            r#"{"device":{"id":"a"},"config":{"raw_config":{"sip_lines":{"1":"#,
            r#"{"username":"u","display_name":"Phone 7"}}}},"phone":{"mac":"m"}}"#,
            "\n"
        );
        let shared = "{\"config\":{\"id\":\"base\",\"raw_config\":{}}}\n";
        let text = format!("{shared}{line}");
        let told = |spare| String::from_utf8(with_longer_names(text.as_bytes(), spare).unwrap());
        assert_eq!(told("").unwrap(), text);
        assert_eq!(told("xy").unwrap(), text.replace("Phone 7", "Phone 7xy"));
    }

    #[test]
    fn paths_of_requests_lie_below_a_folder() {
        assert_eq!(below(Path::new("root"), "/a/b"), Path::new("root/a/b"));
    }
}
