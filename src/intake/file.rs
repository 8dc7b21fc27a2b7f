//! Opens and reads files that others may have put there: a pipe would hang, a device never ends.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, BufRead, Read};
use std::path::Path;

use super::limit::Limit;

/// Opens a regular file for reading, at once: a pipe without a writer is not waited for. Links are
/// followed.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    checked(without_waiting(OpenOptions::new().read(true), false), path)
}

/// Opens one of stagegate's own files, likewise, as the options say. A link in its place is
/// refused.
pub(crate) fn open_own(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    if is_link(path) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is a link, and no link is followed here",
        ));
    }
    checked(without_waiting(options, true), path)
}

/// Reads a whole regular file, as far as the limit allows.
pub(crate) fn read(path: &Path, limit: &Limit) -> io::Result<Vec<u8>> {
    whole(open(path)?, limit)
}

/// Reads a regular file as text.
pub(crate) fn read_text(path: &Path, limit: &Limit) -> io::Result<String> {
    text(read(path, limit)?)
}

/// Reads one of stagegate's own files as text. A link in its place is refused.
pub(crate) fn read_own_text(path: &Path, limit: &Limit) -> io::Result<String> {
    text(whole(
        open_own(path, OpenOptions::new().read(true))?,
        limit,
    )?)
}

/// Appends a line, its end included, and returns its length in bytes: 0 at the end of the file.
pub(crate) fn read_line(
    from: &mut impl BufRead,
    line: &mut Vec<u8>,
    limit: &Limit,
) -> io::Result<usize> {
    let mut from = from.take(limit.most() + 1);
    let length = from.read_until(b'\n', line)?;
    if limit.is_passed_by(length as u64) {
        return Err(limit.exceeded("it has a line"));
    }
    Ok(length)
}

/// Returns whether a path is a link, wherever it leads.
pub(crate) fn is_link(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_symlink())
}

fn whole(file: File, limit: &Limit) -> io::Result<Vec<u8>> {
    let announced = file.metadata()?.len();
    if limit.is_passed_by(announced) {
        return Err(limit.exceeded("it is"));
    }
    let mut bytes = Vec::with_capacity(announced as usize);
    // It may have grown since.
    file.take(limit.most() + 1).read_to_end(&mut bytes)?;
    if limit.is_passed_by(bytes.len() as u64) {
        return Err(limit.exceeded("it is"));
    }
    Ok(bytes)
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    let wrong = |_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8");
    String::from_utf8(bytes).map_err(wrong)
}

fn checked(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let error = if kind.is_dir() {
        io::ErrorKind::IsADirectory
    } else {
        io::ErrorKind::InvalidInput
    };
    let said = format!("it is {}, not a regular file", named(kind));
    Err(io::Error::new(error, said))
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions, own: bool) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;

    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    flags.set(OFlags::NOFOLLOW, own);
    options.custom_flags(flags.bits().cast_signed())
}

#[cfg(not(unix))]
fn without_waiting(options: &mut OpenOptions, _own: bool) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn named(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;

    match kind {
        it if it.is_dir() => "a folder",
        it if it.is_fifo() => "a pipe",
        it if it.is_socket() => "a socket",
        _ => "a device",
    }
}

#[cfg(not(unix))]
fn named(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::super::limit::{JOURNAL_HEADER, SMALL_RECORD};
    use super::*;

    fn said(result: io::Result<Vec<u8>>) -> String {
        result.unwrap_err().to_string()
    }

    // security 11
    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        use rustix::fs::{CWD, Mode, mkfifoat};

        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        mkfifoat(CWD, at("pipe"), Mode::RWXU).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("zero")).unwrap();
        std::os::unix::fs::symlink(at("pipe"), at("to-pipe")).unwrap();
        let socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        for (name, what) in [
            ("pipe", "it is a pipe, not a regular file"),
            ("to-pipe", "it is a pipe, not a regular file"),
            ("zero", "it is a device, not a regular file"),
            ("folder", "it is a folder, not a regular file"),
        ] {
            assert_eq!(said(read(&at(name), &SMALL_RECORD)), what, "{name}");
        }
        assert!(read(&at("socket"), &SMALL_RECORD).is_err());
        drop(socket);
    }

    // security 1, 11
    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_to_a_file_but_not_in_a_folder_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "text").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(is_link(&link) && !is_link(&file) && !is_link(&folder.path().join("none")));
        assert_eq!(read_text(&link, &SMALL_RECORD).unwrap(), "text");
        assert_eq!(read_own_text(&file, &SMALL_RECORD).unwrap(), "text");
        let refused = read_own_text(&link, &SMALL_RECORD).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "it is a link, and no link is followed here"
        );
    }

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = File::create(&path).unwrap();
        file.set_len(SMALL_RECORD.most()).unwrap();
        assert_eq!(read(&path, &SMALL_RECORD).unwrap().len(), 1 << 20);
        file.set_len(SMALL_RECORD.most() + 1).unwrap();
        let error = read(&path, &SMALL_RECORD).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), "it is larger than 1 MiB");
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(
            read_text(&path, &SMALL_RECORD).unwrap_err().to_string(),
            "it is not UTF-8"
        );
        let none = read(&folder.path().join("none"), &SMALL_RECORD).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_line_is_read_up_to_its_limit() {
        let most = JOURNAL_HEADER.most() as usize;
        let mut text = vec![b'x'; most - 1];
        text.push(b'\n');
        text.extend(vec![b'y'; most + 1]);
        let mut from = BufReader::new(text.as_slice());
        let mut line = Vec::new();
        let length = read_line(&mut from, &mut line, &JOURNAL_HEADER).unwrap();
        assert_eq!((length, line.len()), (most, most));
        let error = read_line(&mut from, &mut line, &JOURNAL_HEADER).unwrap_err();
        assert_eq!(error.to_string(), "it has a line larger than 64 KiB");
        let mut none: &[u8] = b"";
        assert_eq!(read_line(&mut none, &mut line, &JOURNAL_HEADER).unwrap(), 0);
    }
}
