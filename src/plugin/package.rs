//! Files that vendors publish and let nobody pass on: where they are, how they are verified and
//! unpacked. An entry that could not be verified is refused.

use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

use super::manifest::Placed;
use crate::limits;

/// A `[[package]]` as it is written (`docs/plugins.md`).
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub struct PackageEntry {
    /// Its name, one of its own within a release.
    pub name: Placed,
    /// The version of what is in it.
    pub version: String,
    /// One line for people.
    #[serde(default)]
    pub summary: String,
    /// Releases that it is for; all without.
    #[serde(default)]
    pub releases: Vec<Placed>,
    /// Where its vendor publishes it.
    pub url: Placed,
    /// Its length in bytes.
    pub size: Spanned<u64>,
    /// Its SHA-256, 64 hexadecimal digits. Missing: told with words of its own.
    pub sha256: Option<Placed>,
    /// Steps from what is downloaded to files; without, it is the file.
    #[serde(default)]
    pub unpack: Vec<Placed>,
    /// Patterns of the paths that are wanted; all without.
    #[serde(default)]
    pub include: Vec<Placed>,
    /// Patterns of the paths that are not.
    #[serde(default)]
    pub exclude: Vec<Placed>,
    /// Leading folders that go.
    #[serde(default)]
    pub strip: usize,
    /// All folders go.
    #[serde(default)]
    pub flatten: bool,
    /// Other names, by the name that is left.
    #[serde(default)]
    pub rename: BTreeMap<String, Placed>,
    /// The folder that files go to, with `/` at its end, or the name of the only one.
    pub to: Option<Placed>,
}

/// A package that a release can be given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Package {
    /// Its name, one of its own within a release.
    pub name: String,
    /// The version of what is in it.
    pub version: String,
    /// One line for people; may be empty.
    pub summary: String,
    /// Where its vendor publishes it: `http://…` or `https://…`.
    pub url: String,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, 64 hexadecimal digits in lower case.
    pub sha256: String,
    /// Steps from what is downloaded to files.
    pub steps: Vec<Step>,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    strip: usize,
    flatten: bool,
    rename: BTreeMap<String, String>,
    to: String,
}

/// A step of unpacking.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What is done.
    pub kind: Kind,
    /// With which of the files that are there; with all without.
    of: Option<Glob>,
}

/// What a step does with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It is a zip archive, whose files take its place.
    Zip,
    /// The same of a tar archive, plain or in gzip, bzip2 or xz.
    Tar,
    /// A signature stands in front of a gzip file, which takes its place.
    Unsign,
}

/// A pattern of paths: `*` is any text with `/` too, `?` one character, `[a-z]` one of these and
/// `[!a-z]` one of the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Glob(Vec<char>);

impl PackageEntry {
    /// Reads the entry.
    ///
    /// # Errors
    /// The byte of the manifest at which something is wrong, and what.
    pub fn compile(&self) -> Result<Package, (usize, String)> {
        let at = |place: &Placed, message: String| (place.span().start, message);
        let name = self.name.get_ref();
        if !is_name(name) {
            let message = "a package's name has letters, digits, `.`, `-` and `_` only";
            return Err(at(&self.name, message.to_owned()));
        }
        let url = self.url.get_ref();
        let behind = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        if behind.is_none_or(|rest| rest.is_empty() || rest.contains(|c: char| c <= ' ')) {
            return Err(at(&self.url, format!("{url:?} is no http or https URL")));
        }
        let size = *self.size.get_ref();
        if !(1..=limits::PACKAGE_BYTES_MAX).contains(&size) {
            let message = format!("a size is from 1 to {} bytes", limits::PACKAGE_BYTES_MAX);
            return Err((self.size.span().start, message));
        }
        let globs = |texts: &[Placed]| texts.iter().map(|text| Glob::new(text.get_ref())).collect();
        let mut rename = BTreeMap::new();
        for (from, to) in &self.rename {
            let to = clean(to.get_ref()).map_err(|message| at(to, message))?;
            rename.insert(from.clone(), to);
        }
        Ok(Package {
            name: name.clone(),
            version: self.version.clone(),
            summary: self.summary.clone(),
            url: url.clone(),
            size,
            sha256: self.sum()?,
            steps: self.unpack.iter().map(step).collect::<Result<_, _>>()?,
            include: globs(&self.include),
            exclude: globs(&self.exclude),
            strip: self.strip,
            flatten: self.flatten,
            rename,
            to: self.target()?,
        })
    }

    fn sum(&self) -> Result<String, (usize, String)> {
        let Some(sum) = &self.sha256 else {
            let message = "the package has no `sha256`: what is downloaded could not be verified";
            return Err((self.name.span().start, message.to_owned()));
        };
        let text = sum.get_ref();
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = "a SHA-256 has 64 hexadecimal digits".to_owned();
            return Err((sum.span().start, message));
        }
        Ok(text.to_ascii_lowercase())
    }

    fn target(&self) -> Result<String, (usize, String)> {
        let Some(to) = &self.to else { return Ok(String::new()) };
        let text = clean(to.get_ref()).map_err(|message| (to.span().start, message))?;
        Ok(if to.get_ref().ends_with('/') { format!("{text}/") } else { text })
    }
}

fn step(text: &Placed) -> Result<Step, (usize, String)> {
    let (word, of) = match text.get_ref().split_once(' ') {
        Some((word, of)) => (word, Some(Glob::new(of.trim()))),
        None => (text.get_ref().as_str(), None),
    };
    let kind = match word {
        "zip" => Kind::Zip,
        "tar" => Kind::Tar,
        "unsign" => Kind::Unsign,
        _ => {
            let message = format!("{word:?} is no step: there are zip, tar and unsign");
            return Err((text.span().start, message));
        }
    };
    Ok(Step { kind, of })
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    name.bytes().all(fits) && !name.is_empty() && !name.starts_with('.')
}

impl Package {
    /// The name of what is downloaded: the last segment of the URL's path.
    pub fn file_name(&self) -> &str {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        if clean(name).is_ok_and(|clean| clean == name) { name } else { &self.name }
    }

    /// Whether a path that an archive has is wanted.
    pub fn wants(&self, path: &str) -> bool {
        let is_in = |globs: &[Glob]| globs.iter().any(|glob| glob.is_match(path));
        (self.include.is_empty() || is_in(&self.include)) && !is_in(&self.exclude)
    }

    /// Patterns of what is wanted that match none of these paths.
    pub fn unmatched<'a>(&'a self, paths: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let globs = self.include.iter();
        globs.filter(|glob| !paths.iter().any(|path| glob.is_match(path))).map(Glob::text)
    }

    /// Where a wanted file goes below the plugin's folder.
    ///
    /// # Errors
    /// Nothing is left of its path.
    pub fn place(&self, path: &str) -> Result<String, String> {
        let mut rest = path;
        for _ in 0..self.strip {
            let behind = rest.split_once('/').map(|(_, rest)| rest);
            rest =
                behind.ok_or_else(|| format!("{path:?} has fewer folders than `strip` takes"))?;
        }
        if self.flatten {
            rest = rest.rsplit('/').next().unwrap_or(rest);
        }
        let rest = self.rename.get(rest).map_or(rest, String::as_str);
        let is_folder = self.to.is_empty() || self.to.ends_with('/');
        Ok(if is_folder { format!("{}{rest}", self.to) } else { self.to.clone() })
    }

    /// What says how files are made of the download: installed ones are made anew when it changes.
    pub fn rule(&self) -> String {
        let Self { steps, include, exclude, strip, flatten, rename, to, .. } = self;
        format!("{steps:?} {include:?} {exclude:?} {strip} {flatten} {rename:?} {to:?}")
    }
}

impl Step {
    /// Whether the file of that path is one that the step is for.
    pub fn is_for(&self, path: &str) -> bool {
        self.of.as_ref().is_none_or(|glob| glob.is_match(path))
    }
}

impl Glob {
    /// The pattern of that text. Every text is one.
    pub fn new(text: &str) -> Self {
        Self(text.chars().collect())
    }

    /// Whether it is the whole text's.
    pub fn is_match(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut place) = (0, 0);
        // Behind the last `*`, and what it has taken so far: only that one is ever tried again.
        let mut star: Option<(usize, usize)> = None;
        while place < text.len() {
            if self.0.get(at) == Some(&'*') {
                star = Some((at + 1, place));
                at += 1;
            } else if let Some(next) = self.one(at, text[place]) {
                (at, place) = (next, place + 1);
            } else if let Some((behind, taken)) = star {
                star = Some((behind, taken + 1));
                (at, place) = (behind, taken + 1);
            } else {
                return false;
            }
        }
        self.0[at..].iter().all(|&c| c == '*')
    }

    /// Where the pattern goes on when its next item is this character's.
    fn one(&self, at: usize, c: char) -> Option<usize> {
        match *self.0.get(at)? {
            '?' => Some(at + 1),
            '[' => match self.0[at + 1..].iter().skip(1).position(|&c| c == ']') {
                Some(length) => {
                    let set = &self.0[at + 1..at + 2 + length];
                    is_one_of(set, c).then_some(at + 3 + length)
                }
                None => (c == '[').then_some(at + 1),
            },
            own => (own == c).then_some(at + 1),
        }
    }

    fn text(&self) -> String {
        self.0.iter().collect()
    }
}

fn is_one_of(set: &[char], c: char) -> bool {
    let (is_other, mut set) = match set {
        ['!', rest @ ..] if !rest.is_empty() => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    loop {
        match set {
            [first, '-', last, rest @ ..] => {
                found |= (*first..=*last).contains(&c);
                set = rest;
            }
            [one, rest @ ..] => {
                found |= *one == c;
                set = rest;
            }
            [] => return found != is_other,
        }
    }
}

/// A path as it is kept: relative, with `/`, without `.` and doubled `/`.
///
/// # Errors
/// It leaves its folder, is too long, or has characters that no file needs.
pub fn clean(path: &str) -> Result<String, String> {
    if path.starts_with('/') || path.split('/').any(|part| part == "..") {
        return Err(format!("{path:?} leaves its folder"));
    }
    if path.chars().any(char::is_control) || path.contains('\\') {
        return Err(format!("{path:?} has characters that no path may have"));
    }
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    let path = parts.collect::<Vec<_>>().join("/");
    let is_long = path.split('/').any(|part| part.len() > limits::PACKAGE_NAME_BYTES_MAX);
    match () {
        () if path.is_empty() => Err("a path is empty".to_owned()),
        () if is_long || path.len() > limits::PACKAGE_PATH_BYTES_MAX => {
            Err(format!("{path:?} is too long"))
        }
        () => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "name = \"fw\"\nversion = \"1\"\nsize = 3\n\
        url = \"http://fw.example/a/fw-1.zip?x=/y\"\n";

    fn compile(more: &str) -> Result<Package, (usize, String)> {
        let sum = format!("sha256 = \"{}\"\n", "aB".repeat(32));
        let text = format!("{LEAST}{sum}{more}");
        let entry: PackageEntry = toml::from_str(&text).expect("an entry");
        entry.compile()
    }

    #[test]
    fn an_entry_without_a_sum_is_refused() {
        let entry: PackageEntry = toml::from_str(LEAST).expect("an entry");
        let (_, message) = entry.compile().expect_err("it could not be verified");
        assert!(message.contains("no `sha256`"), "{message}");
        let package = compile("").expect("a package");
        assert_eq!(package.sha256, "ab".repeat(32));
        assert_eq!(package.file_name(), "fw-1.zip");
    }

    #[test]
    fn mistakes_are_told() {
        for (more, words) in [
            ("unpack = [\"rar\"]", "\"rar\" is no step"),
            ("to = \"../x\"", "leaves its folder"),
            ("to = \"/x/\"", "leaves its folder"),
            ("to = \"\"", "empty"),
            ("rename = { a = \"b/../../c\" }", "leaves its folder"),
        ] {
            let (_, message) = compile(more).expect_err(more);
            assert!(message.contains(words), "{more}: {message}");
        }
        for (from, to) in
            [("size = 3", "size = 0"), ("http://", "ftp://"), ("name = \"fw\"", "name = \"a/b\"")]
        {
            let text = format!("{LEAST}sha256 = \"{}\"\n", "0".repeat(64)).replace(from, to);
            let entry: PackageEntry = toml::from_str(&text).expect("an entry");
            assert!(entry.compile().is_err(), "{to}");
        }
    }

    #[test]
    fn globs_are_fnmatchs() {
        for (glob, path, wanted) in [
            ("*.rom", "a/b.rom", true),
            ("*.rom", "a/b.rom/c", false),
            ("a/*", "a/b/c", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x[!0-9]", "bxy", true),
            ("[a-c]x[!0-9]", "bx1", false),
            ("[a-c]x[!0-9]", "dxy", false),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("", "", true),
            ("**", "", true),
        ] {
            assert_eq!(Glob::new(glob).is_match(path), wanted, "{glob} {path}");
        }
    }

    #[test]
    fn files_go_where_the_entry_says() {
        for (more, path, wanted) in [
            ("", "a/b.rom", "a/b.rom"),
            ("strip = 1\nto = \"fw/\"", "a/b/c.rom", "fw/b/c.rom"),
            ("flatten = true", "a/b/c.rom", "c.rom"),
            ("strip = 1\nto = \"x.rom\"", "a/b.rom", "x.rom"),
            (
                "strip = 1\nrename = { \"b.rom\" = \"y/c.rom\" }\nto = \"fw/\"",
                "a/b.rom",
                "fw/y/c.rom",
            ),
        ] {
            let package = compile(more).expect("a package");
            assert_eq!(package.place(path).as_deref(), Ok(wanted), "{more}");
        }
        assert!(compile("strip = 2").expect("a package").place("a/b").is_err());
        let some = compile("include = [\"*.rom\"]\nexclude = [\"old/*\"]").expect("a package");
        assert!(some.wants("a.rom") && !some.wants("old/a.rom") && !some.wants("a.txt"));
        assert_eq!(some.unmatched(&["a.txt"]).collect::<Vec<_>>(), ["*.rom"]);
    }

    #[test]
    fn paths_are_cleaned_or_refused() {
        assert_eq!(clean("./a//b/./c").as_deref(), Ok("a/b/c"));
        for path in ["", ".", "/a", "..", "a/../b", "a\0b", "a\nb", "a\\..\\b"] {
            assert!(clean(path).is_err(), "{path:?}");
        }
        assert!(clean(&"a".repeat(256)).is_err());
        assert!(clean(&"a/".repeat(600)).is_err());
    }
}
