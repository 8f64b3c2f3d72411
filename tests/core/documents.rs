//! Every file that the documents name exists.

use std::path::{Path, PathBuf};

/// The beginnings that make a path one of this repository's.
const ROOTS: [&str; 10] = [
    "src/",
    "lambda/",
    "tests/",
    "docs/",
    "client/",
    "deploy/",
    "examples/",
    "fuzz/",
    "terraform/",
    ".ci/",
];

#[test]
fn every_path_that_a_document_names_exists() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md", "lambda/README.md"].map(PathBuf::from);
    let docs = std::fs::read_dir(top.join("docs")).expect("docs").flatten();
    let docs = docs.map(|entry| PathBuf::from("docs").join(entry.file_name()));
    let documents =
        named.into_iter().chain(docs.filter(|path| path.extension() == Some("md".as_ref())));
    let mut seen = 0;
    for document in documents {
        let text = std::fs::read_to_string(top.join(&document)).expect("a document");
        for path in text.split('`').skip(1).step_by(2).filter(|it| is_path(it)).flat_map(expanded) {
            let exists = top.join(&path).exists() || top.join("lambda").join(&path).exists();
            assert!(exists, "{} names {path}, which is not there", document.display());
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} paths were found: they are written differently now");
}

/// A path of this repository, rather than a command, a URL or a pattern such as `tests/on_THAT.rs`.
fn is_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./{,}".contains(&byte);
    !text.contains("THAT")
        && ROOTS.iter().any(|root| text.starts_with(root))
        && text.bytes().all(plain)
}

/// `a/{b,c}.rs` is two paths.
fn expanded(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let (choices, after) = rest.split_once('}').expect("a brace is closed");
    choices.split(',').map(|choice| format!("{before}{choice}{after}")).collect()
}
