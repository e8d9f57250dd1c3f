//! Patterns and tables in place of the functions of folders.

use super::Native;
use crate::config::{FolderPattern, RenameTable};
use crate::expression::{Expression, Extent, Rename, Shape, Value};

/// Names that most accounts have, to compare with.
const COMMON: [&str; 7] = ["INBOX", "Sent", "Drafts", "Trash", "Archive/2020", "a.b.c", "Lists/x"];

/// `includefolders` and `excludefolders` in place of `folderfilter`.
pub(super) fn selection(expression: &Expression, shape: &Shape) -> Option<Native> {
    let Shape::Selection { include, exclude } = shape else { return None };
    let patterns = |all: &[String]| all.iter().map(|it| FolderPattern::new(it)).collect::<Vec<_>>();
    let (included, excluded) = (patterns(include), patterns(exclude));
    let fits = |patterns: &[FolderPattern], name: &str| patterns.iter().any(|it| it.fits(name));
    let native =
        |name: &str| (included.is_empty() || fits(&included, name)) && !fits(&excluded, name);
    let samples = samples(include.iter().chain(exclude).map(String::as_str));
    let function = expression.evaluate(&()).ok()?;
    for name in &samples {
        let python = function.call(&[Value::text(name)], &()).ok()?.is_true();
        if python != native(name) {
            return None;
        }
    }
    let mut lines = Vec::new();
    for (option, patterns) in [("includefolders", include), ("excludefolders", exclude)] {
        if !patterns.is_empty() {
            lines.push(format!("{option} = {}", patterns.join(", ")));
        }
    }
    (!lines.is_empty()).then_some((lines, None))
}

/// `renamefolders` in place of `nametrans`.
pub(super) fn renaming(expression: &Expression, shape: &Shape) -> Option<Native> {
    let Shape::Renaming(renames) = shape else { return None };
    let function = expression.evaluate(&()).ok()?;
    // The expression is about one separator, and shows at most which.
    let shows = |separator: char| renames.iter().any(|it| it.from.contains(separator));
    let separators = if shows('.') && !shows('/') { ['.', '/'] } else { ['/', '.'] };
    let lines = separators.into_iter().find_map(|separator| {
        let lines: Vec<String> = renames.iter().map(|it| line(it, separator)).collect();
        let table = RenameTable::parse(&lines.join("\n")).ok()?;
        let ends = renames.iter().flat_map(|it| [it.from.as_str(), it.to.as_str()]);
        let same = |name: &String| {
            let python = function.call(&[Value::text(name)], &()).ok()?;
            let python = python.as_str()?;
            (python == table.visible(name, Some(separator))).then_some(())
        };
        let samples = samples(ends);
        samples
            .iter()
            .filter(|name| !is_foreign(name, separator))
            .try_for_each(|it| same(it).ok_or(()))
            .ok()?;
        Some(lines)
    })?;
    let note =
        "in place of `nametrans` on both sides: the local repository reads the table backwards";
    let lines = match lines.as_slice() {
        [line] => vec![format!("renamefolders = {line}")],
        lines => {
            let lines = lines.iter().map(|line| format!("    {line}"));
            std::iter::once("renamefolders =".to_owned()).chain(lines).collect()
        }
    };
    Some((lines, Some(note)))
}

fn line(rename: &Rename, separator: char) -> String {
    let spelt = |name: &str| name.replace(separator, "/");
    let (from, to) = (spelt(&rename.from), spelt(&rename.to));
    match rename.extent {
        Extent::Whole => format!("{from} -> {to}"),
        Extent::Beginning => format!("{from}* -> {to}*"),
    }
}

/// Whether a name cannot be one of a server with this separator, as far as tables can tell.
fn is_foreign(name: &str, separator: char) -> bool {
    separator != '/' && name.contains('/')
}

/// Names to compare with: those of the expression, with something before and behind, and common
/// ones.
fn samples<'a>(patterns: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = COMMON.map(str::to_owned).to_vec();
    for pattern in patterns {
        for filling in ["", "x", "x/y"] {
            let name = pattern.replace('*', filling).replace('?', ",");
            names.extend([name.clone(), format!("{name}x"), format!("x{name}")]);
        }
    }
    names.retain(|name| !name.is_empty());
    names
}
