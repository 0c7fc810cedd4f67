//! `sim`: the simulated workspace on its own.

use anyhow::Context;

use crate::arguments::Sim;
use crate::{console, listen};

/// Runs until it is stopped.
pub(crate) async fn run(arguments: Sim) -> anyhow::Result<()> {
    let settings = braze_sim::Settings {
        api_keys: arguments.api_keys,
        settle: arguments.settle,
        ..braze_sim::Settings::default()
    };
    let workspace = braze_sim::Workspace::new(settings);
    if let Some(path) = &arguments.seed {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the seed file {shown}"))?;
        workspace.seed(&text).with_context(|| format!("the seed file {shown}"))?;
    }
    let listener = listen::on(arguments.listen).await?;
    let address = listener.local_addr()?;
    console::say(&format!(
        "A simulated Braze workspace answers at http://{address} (help: curl http://{address}/)"
    ));
    let stop = listen::stop_signal()?;
    braze_sim::serve(workspace, listener, listen::stopped(stop)).await?;
    Ok(())
}
