//! `epee policy`: what policies there are.

use clap::Subcommand;
use epee_exit::{Grid, PolicyKind};
use serde_json::json;

use crate::ui::{Ui, table};

/// List the exit policies
#[derive(clap::Args)]
#[command(after_help = "Example:\n  epee policy list")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// List every policy: when it stops, its source, and an example setting
    #[command(after_help = "Example:\n  epee policy list --format json")]
    List,
}

pub(crate) fn run(args: &Args, ui: Ui) -> anyhow::Result<()> {
    let Command::List = args.command;
    if ui.json() {
        let list: Vec<_> = PolicyKind::ALL
            .into_iter()
            .map(|kind| json!({"policy": kind.name(), "about": kind.about(), "source": kind.source(), "example": example(kind)}))
            .collect();
        return ui.print_json(&list);
    }
    let rows = PolicyKind::ALL.into_iter().map(|kind| vec![kind.to_string(), kind.source().to_owned()]);
    ui.print(table(["policy", "source"], rows))?;
    for kind in PolicyKind::ALL {
        ui.print(format!("\n{kind}: {}\n  {}", kind.about(), example(kind)))?;
    }
    ui.print(
        "\nA threshold is a number, `never`, or, where a policy looks at one exit at a time, a list with one for each exit before \
         the last: [0.1, 0.2, never].\nEvery policy takes ensemble=run-mean or ensemble=all-mean: the answer is the mean over the \
         exits in a row that agree, or over all so far.",
    )?;
    Ok(())
}

/// A setting of a policy for six exits and two classes.
fn example(kind: PolicyKind) -> String {
    let grid = Grid::standard(6, 2).with_kinds([kind]);
    let settings = grid.policies();
    settings.get(settings.len() / 2).map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_has_an_example_that_reads() {
        for kind in PolicyKind::ALL {
            let policy: epee_exit::Policy = example(kind).parse().unwrap();
            assert_eq!(policy.kind(), Some(kind));
            assert!(policy.check(6, 2).is_ok());
        }
    }
}
