//! The paths, names and modules in the tokens of one file.

use std::collections::BTreeMap;
use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

use super::Place;

/// What stands in one module of a file.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Modules in files of their own.
    pub(super) files: Vec<String>,
    /// Modules in braces.
    pub(super) inline: Vec<String>,
    /// Names that `use` brings in, and where from.
    pub(super) names: BTreeMap<String, Vec<String>>,
    /// Paths, each with its line.
    pub(super) paths: Vec<(Vec<String>, usize)>,
}

impl Scan {
    /// The module of the file itself, whose place is empty, and those in braces inside of it.
    pub(super) fn of(tokens: TokenStream) -> Vec<(Place, Self)> {
        let mut modules = Vec::new();
        module(Place::new(), tokens, &mut modules);
        modules
    }
}

type Tokens = Peekable<IntoIter>;

fn module(place: Place, tokens: TokenStream, modules: &mut Vec<(Place, Scan)>) {
    let mut scan = Scan::default();
    let mut inner = Vec::new();
    items(tokens, &mut scan, &mut inner);
    for (name, group) in inner {
        scan.inline.push(name.clone());
        module(place.iter().cloned().chain([name]).collect(), group.stream(), modules);
    }
    modules.push((place, scan));
}

fn items(tokens: TokenStream, scan: &mut Scan, inner: &mut Vec<(String, Group)>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                attribute(&mut tokens, scan, inner);
            }
            TokenTree::Group(group) => items(group.stream(), scan, inner),
            TokenTree::Ident(word) if word == "pub" => {
                // `pub(in crate::…)` says who may see it, and imports nothing.
                let parenthesis =
                    |next: &TokenTree| group_of(next, Delimiter::Parenthesis).is_some();
                tokens.next_if(parenthesis);
            }
            TokenTree::Ident(word) if word == "mod" => {
                let Some(TokenTree::Ident(name)) = tokens.next() else { continue };
                match tokens.next() {
                    Some(TokenTree::Group(group)) => inner.push((name.to_string(), group)),
                    _ => scan.files.push(name.to_string()),
                }
            }
            TokenTree::Ident(word) if word == "use" => {
                let mut tree = TokenStream::new();
                tree.extend(std::iter::from_fn(|| tokens.next_if(|next| !is(next, ';'))));
                tree_of_use(tree, &[], scan);
            }
            TokenTree::Ident(word) => {
                let path = path(word.to_string(), &mut tokens);
                if path.len() > 1 {
                    scan.paths.push((path, word.span().start().line));
                }
            }
            // What follows is a field or method, and no path begins with it.
            TokenTree::Punct(punct) if punct.as_char() == '.' => {
                tokens.next_if(|next| matches!(next, TokenTree::Ident(_)));
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// An attribute; after one that is for tests, what it stands before is left out.
fn attribute(tokens: &mut Tokens, scan: &mut Scan, inner: &mut Vec<(String, Group)>) {
    tokens.next_if(|next| is(next, '!'));
    let Some(group) = tokens.next_if(|next| group_of(next, Delimiter::Bracket).is_some()) else {
        return;
    };
    let TokenTree::Group(group) = group else { return };
    let words = words(group.stream());
    if words.first().is_some_and(|word| word == "cfg")
        && words.iter().any(|word| word == "test")
        && !words.iter().any(|word| word == "not")
    {
        for token in tokens.by_ref() {
            if is(&token, ';') || group_of(&token, Delimiter::Brace).is_some() {
                break;
            }
        }
    } else {
        items(group.stream(), scan, inner);
    }
}

/// The rest of a path that begins with `first`.
fn path(first: String, tokens: &mut Tokens) -> Vec<String> {
    let mut path = vec![first];
    while colons(tokens) {
        match tokens.next_if(|next| matches!(next, TokenTree::Ident(_))) {
            Some(name) => path.push(name.to_string()),
            None => break,
        }
    }
    path
}

/// Takes `::`, if it comes next.
fn colons(tokens: &mut Tokens) -> bool {
    let first = |next: &TokenTree| match next {
        TokenTree::Punct(sign) => sign.as_char() == ':' && sign.spacing() == Spacing::Joint,
        _ => false,
    };
    tokens.next_if(first).is_some() && tokens.next_if(|next| is(next, ':')).is_some()
}

/// What `use` says, below the path `before`.
fn tree_of_use(tokens: TokenStream, before: &[String], scan: &mut Scan) {
    let mut tokens = tokens.into_iter().peekable();
    let mut path = before.to_vec();
    let mut line = 0;
    let mut alias = None;
    // A path that ends in braces or a star brings in no name itself.
    let mut whole = true;
    loop {
        match tokens.next() {
            Some(TokenTree::Ident(word)) if word == "as" => alias = tokens.next(),
            Some(TokenTree::Ident(word)) => {
                line = word.span().start().line;
                path.push(word.to_string());
            }
            Some(TokenTree::Group(group)) => {
                tree_of_use(group.stream(), &path, scan);
                whole = false;
            }
            Some(TokenTree::Punct(punct)) if punct.as_char() == '*' => {
                scan.paths.push((path.clone(), punct.span().start().line));
                whole = false;
            }
            Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {}
            Some(TokenTree::Literal(_)) => {}
            // A comma, or the end.
            end => {
                if whole && path.len() > before.len() {
                    used(&path, alias.take(), line, scan);
                }
                if end.is_none() {
                    return;
                }
                path.truncate(before.len());
                whole = true;
            }
        }
    }
}

/// One name that `use` brings in.
fn used(path: &[String], alias: Option<TokenTree>, line: usize, scan: &mut Scan) {
    let path: Vec<_> = match path {
        [module @ .., last] if last == "self" && !module.is_empty() => module.to_vec(),
        _ => path.to_vec(),
    };
    if let Some(name) = alias.map(|name| name.to_string()).or_else(|| path.last().cloned()) {
        scan.names.insert(name, path.clone());
    }
    scan.paths.push((path, line));
}

fn words(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Group(group) => words(group.stream()),
            TokenTree::Ident(word) => vec![word.to_string()],
            _ => Vec::new(),
        })
        .collect()
}

fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn group_of(token: &TokenTree, delimiter: Delimiter) -> Option<&Group> {
    match token {
        TokenTree::Group(group) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}
