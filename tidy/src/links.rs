//! Links of the Markdown files: each leads to a file, and its fragment to a heading.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::Finding;

/// Links of one Markdown file that lead nowhere. Those with a scheme (`https:`) are left alone:
/// nothing is asked of the network.
///
/// # Errors
/// When the file, or one that it links to, cannot be read.
pub fn dead_links(root: &Path, path: &str) -> io::Result<Vec<Finding>> {
    let text = fs::read_to_string(root.join(path))?;
    let mut found = Vec::new();
    for (link, at) in links(&text) {
        if let Some(wrong) = dead_link(root, path, &link)? {
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            found.push(Finding {
                place: path.to_owned(),
                text: format!("{path}:{line}: the link {link} leads nowhere: {wrong}"),
            });
        }
    }
    Ok(found)
}

/// What is wrong with a link that stands in the file `from`, if anything.
///
/// # Errors
/// When the file that it leads to cannot be read.
pub fn dead_link(root: &Path, from: &str, link: &str) -> io::Result<Option<String>> {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = if path.is_empty() {
        from.into()
    } else if let Some(target) = inside(from, path) {
        target
    } else {
        return Ok(Some("it leaves the repository".to_owned()));
    };
    let file = root.join(&target);
    if !file.exists() {
        return Ok(Some(format!("there is no {}", target.display())));
    }
    if fragment.is_empty() || target.extension().is_none_or(|it| it != "md") {
        return Ok(None);
    }
    let headings = headings(&fs::read_to_string(file)?);
    let known = headings.iter().any(|heading| heading == fragment);
    Ok((!known).then(|| format!("{} has no heading #{fragment}", target.display())))
}

/// A link's path relative to the root, or `None` when it leads out of it.
fn inside(from: &str, link: &str) -> Option<PathBuf> {
    let mut path = Path::new(from).parent()?.to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir if path.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

/// Links and pictures without a scheme, and the byte at which each begins.
fn links(text: &str) -> Vec<(String, usize)> {
    let parser = Parser::new_ext(text, options()).into_offset_iter();
    parser
        .filter_map(|(event, range)| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                let before_slash = dest_url.split(['/', '#']).next().unwrap_or_default();
                (!before_slash.contains([':', '@'])).then(|| (dest_url.into_string(), range.start))
            }
            _ => None,
        })
        .collect()
}

/// The fragments of a file's headings, as GitHub makes them.
fn headings(text: &str) -> Vec<String> {
    let mut slugs = Vec::new();
    let mut times = BTreeMap::<String, usize>::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, options()) {
        match (&mut heading, event) {
            (_, Event::Start(Tag::Heading { .. })) => heading = Some(String::new()),
            (Some(slug), Event::End(TagEnd::Heading(_))) => {
                let seen = times.entry(slug.clone()).or_default();
                slugs.push(if *seen == 0 { slug.clone() } else { format!("{slug}-{seen}") });
                *seen += 1;
                heading = None;
            }
            (Some(slug), Event::Text(text) | Event::Code(text)) => {
                let kept = text.chars().filter_map(|letter| match letter {
                    ' ' => Some('-'),
                    '-' | '_' => Some(letter),
                    _ => letter.is_alphanumeric().then_some(letter),
                });
                slug.extend(kept.flat_map(char::to_lowercase));
            }
            _ => {}
        }
    }
    slugs
}

fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

#[cfg(test)]
mod tests;
