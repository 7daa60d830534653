//! PURE. Where those keep their feeds who host code and packages, beside the largest two. Goes in: a site and the parts of a
//! page's path. Comes out: its feeds.

use super::Found;
use super::sites::{found, one};

/// The feeds of a page of one of these sites; `None` for its other pages.
pub(super) fn feeds(site: &str, parts: &[&str]) -> Option<Vec<Found>> {
    match (site, parts) {
        ("codeberg.org", parts) => codeberg(parts),
        ("pypi.org", ["project", name, ..]) => one(&format!("https://pypi.org/rss/project/{name}/releases.xml"), "releases"),
        ("crates.io", ["crates", name, ..]) => one(&format!("https://static.crates.io/rss/crates/{name}.xml"), "releases"),
        (_, _) => None,
    }
}

/// As every Forgejo and Gitea has them; others than the largest are not told by their names.
fn codeberg(parts: &[&str]) -> Option<Vec<Found>> {
    /// First parts of paths that are no user's.
    const OWN: &[&str] = &["explore", "user", "admin", "api", "assets", "issues", "pulls", "milestones", "notifications", "org"];
    let at = |path: &str, title: &str| found(&format!("https://codeberg.org/{path}"), title);
    match parts {
        [own, ..] if OWN.contains(own) => None,
        [who] => Some(vec![at(&format!("{who}.rss"), "public activity")?]),
        [who, name, "releases", ..] => Some(vec![at(&format!("{who}/{name}/releases.rss"), "releases")?]),
        [who, name, "tags"] => Some(vec![at(&format!("{who}/{name}/tags.rss"), "tags")?]),
        [who, name, "src" | "commits", "branch", branch @ ..] if !branch.is_empty() => {
            Some(vec![at(&format!("{who}/{name}/rss/branch/{}", branch.join("/")), "commits")?])
        }
        [who, name] => {
            let name = name.strip_suffix(".git").unwrap_or(name);
            Some(vec![
                at(&format!("{who}/{name}/releases.rss"), "releases")?,
                at(&format!("{who}/{name}/tags.rss"), "tags")?,
                at(&format!("{who}/{name}.rss"), "activity, commits among it")?,
            ])
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::sites::{Site, site};

    fn urls(page: &str) -> Vec<String> {
        match site(&Url::parse(page).unwrap()) {
            Some(Site::Feeds(feeds)) => feeds.into_iter().map(|feed| feed.url.to_string()).collect(),
            Some(Site::Podcast(_)) | None => Vec::new(),
        }
    }

    #[test]
    fn a_package_leads_to_its_releases_and_a_repository_to_a_choice() {
        for (page, feed) in [
            ("https://pypi.org/project/requests/", "https://pypi.org/rss/project/requests/releases.xml"),
            ("https://pypi.org/project/requests/2.31.0/#history", "https://pypi.org/rss/project/requests/releases.xml"),
            ("https://crates.io/crates/serde", "https://static.crates.io/rss/crates/serde.xml"),
            ("https://crates.io/crates/rss", "https://static.crates.io/rss/crates/rss.xml"),
            ("https://crates.io/crates/serde/versions", "https://static.crates.io/rss/crates/serde.xml"),
            ("https://codeberg.org/someone", "https://codeberg.org/someone.rss"),
            ("https://codeberg.org/a/b/releases/tag/v1", "https://codeberg.org/a/b/releases.rss"),
            ("https://codeberg.org/a/b/tags", "https://codeberg.org/a/b/tags.rss"),
            ("https://codeberg.org/a/b/src/branch/next/1.0", "https://codeberg.org/a/b/rss/branch/next/1.0"),
        ] {
            assert_eq!(urls(page), [feed], "{page}");
        }
        assert_eq!(
            urls("https://codeberg.org/a/b.git"),
            ["https://codeberg.org/a/b/releases.rss", "https://codeberg.org/a/b/tags.rss", "https://codeberg.org/a/b.rss"]
        );
    }

    #[test]
    fn other_pages_of_these_sites_are_left_to_what_they_say() {
        for page in [
            "https://pypi.org/",
            "https://pypi.org/search/?q=x",
            "https://crates.io/",
            "https://crates.io/categories/network",
            "https://codeberg.org/",
            "https://codeberg.org/explore/repos",
            "https://codeberg.org/a/b/issues/1",
            "https://codeberg.org/a/b/src/branch",
            "https://codeberg.org/a/b/releases.rss",
        ] {
            assert_eq!(urls(page), [""; 0], "{page}");
        }
    }
}
