//! The tables of the manual that are made of the code, in tests.

/// Holds the table at the end of a page of `docs/` against the one that the code makes, which
/// begins with the same column; `STAGEGATE_REFRESH` writes it anew.
pub(crate) fn ends_with_table(page: &str, table: &str) {
    let path = format!("{}/docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let written = std::fs::read_to_string(&path).unwrap();
    let column = table.split_inclusive('|').take(2).collect::<String>();
    let (before, _) = written
        .split_once(&format!("\n{column}"))
        .expect("the page has the table");
    let fresh = format!("{before}\n{table}");
    if std::env::var_os("STAGEGATE_REFRESH").is_some() {
        std::fs::write(path, fresh).unwrap();
    } else {
        assert!(
            written == fresh,
            "refresh docs/{page} with: STAGEGATE_REFRESH=1 cargo test fresh metric::table"
        );
    }
}
