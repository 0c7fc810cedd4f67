//! `serve`: the demo, or the brands of a directory.

use std::sync::Arc;

use anyhow::Context;
use embedded::EnvSecrets;

use crate::arguments::Serve;
use crate::brand_directory::{BrandDirectory, Reviewing};
use crate::reload::Reloading;
use crate::server::Server;
use crate::{brand_directory, console, demo, listen};

/// Serves the demo, or the brands of a directory, until it is stopped.
pub(crate) async fn run(arguments: Serve) -> anyhow::Result<()> {
    if arguments.demo {
        return demo::run(arguments).await;
    }
    let reviewing = Reviewing::strictly(arguments.takes_private());
    let directory = BrandDirectory::new(arguments.brands.context("--brands is missing")?, reviewing);
    let data = arguments.data.context("--data is missing")?;
    let hangup = listen::hangup()?;
    let reloading = Reloading::start(directory, arguments.watch)?;
    let loaded = reloading.loaded();
    let refused = loaded.refused().count();
    if refused == loaded.files.len() || (arguments.strict && refused > 0) {
        brand_directory::all_usable(loaded.clone())?;
    }
    let listener = listen::on(arguments.listen).await?;
    let brands = loaded.brands.clone();
    let mut server = Server::open(brands, Arc::new(EnvSecrets), &data, listener, &arguments.clients).await?;
    server.reload_by(reloading, hangup).await?;
    if let Some(address) = arguments.metrics {
        server.show_metrics_at(address).await?;
    }
    let address = server.address()?;
    let stop = match arguments.until_input_ends {
        true => listen::stop_signal_or_end_of_input()?,
        false => listen::stop_signal()?,
    };
    console::say(&format!("{}{address}, data in {}", listen::TAKING_AT, data.display()));
    server.run(stop).await
}
