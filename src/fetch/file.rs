//! A source that is a file: read whole, up to the limit of a document.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use url::Url;

use super::{Answer, FetchError, FetchErrorKind, Validators};

/// Why a file gave no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// It could not be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
    /// A folder, a pipe, a device.
    #[error("`{0}` is not a file")]
    NotAFile(PathBuf),
    /// A relative path cannot be a URL.
    #[error("`{0}` is not an absolute path")]
    Relative(PathBuf),
}

/// Reads a document of at most `max_body` bytes.
pub(super) async fn read(path: &Path, max_body: u64) -> Result<Answer, FetchError> {
    let url = Url::from_file_path(path).map_err(|()| failed(FileError::Relative(path.to_owned())))?;
    let owned = path.to_owned();
    let bytes = tokio::task::spawn_blocking(move || read_bounded(&owned, max_body))
        .await
        .map_err(|error| failed(FileError::Unreadable { path: path.to_owned(), cause: error.to_string() }))??;
    Ok(Answer {
        bytes,
        content_type: None,
        url,
        moved_to: None,
        validators: Validators::default(),
        fresh_for: None,
        said: None,
        room: super::Room::default(),
    })
}

fn failed(error: FileError) -> FetchError {
    FetchErrorKind::File(error).into()
}

fn read_bounded(path: &Path, max_body: u64) -> Result<Vec<u8>, FetchError> {
    let unreadable = |error: io::Error| {
        let cause = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        failed(FileError::Unreadable { path: path.to_owned(), cause })
    };
    // Asked before it is opened: opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(failed(FileError::NotAFile(path.to_owned())));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(max_body.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > max_body {
        return Err(FetchErrorKind::TooLarge(max_body).into());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_is_a_document_with_a_url_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a feed.xml");
        std::fs::write(&path, "<rss/>").unwrap();
        let answer = read(&path, 6).await.unwrap();
        assert_eq!(answer.bytes, b"<rss/>");
        assert!(answer.url.as_str().ends_with("/a%20feed.xml"), "{}", answer.url);
        assert_eq!((answer.content_type, answer.validators), (None, Validators::default()));
        assert_eq!(read(&path, 5).await.unwrap_err().to_string(), "the document is larger than 5B");
    }

    #[tokio::test]
    async fn what_is_no_file_is_said_plainly() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing.xml");
        let error = read(&path, 10).await.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read `{}`: there is no such file", path.display()));
        let error = read(folder.path(), 10).await.unwrap_err();
        assert_eq!(error.to_string(), format!("`{}` is not a file", folder.path().display()));
        assert!(read(Path::new("feed.xml"), 10).await.unwrap_err().to_string().contains("not an absolute path"));
    }
}
