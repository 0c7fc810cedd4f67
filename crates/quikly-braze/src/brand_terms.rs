//! The brands as answers and reports need them: what an activation offers, and when. Secrets, codes and addresses were checked where they are
//! used.

use std::path::Path;

use aws::dynamo::BrandTable;
use domain::brand::Brands;
use domain::brand_file::{AssumePresent, Given, Strictness, read_each};

use crate::brand_directory::{BrandDirectory, Reviewing};

/// The brands of a directory, or else those that the environment has; none if neither is named. Nothing is known of a file that cannot be
/// read.
pub(crate) async fn brands(directory: Option<&Path>, environment: Option<&str>) -> anyhow::Result<Brands> {
    let files = files(directory, environment).await?;
    Ok(read_each(&files, &AssumePresent, Strictness::Lenient, None).brands)
}

async fn files(directory: Option<&Path>, environment: Option<&str>) -> anyhow::Result<Vec<Given>> {
    if let Some(directory) = directory {
        return BrandDirectory::new(directory.to_owned(), Reviewing::for_any_place(true)).files();
    }
    match environment {
        Some(name) => Ok(BrandTable::new(&aws::environment().await, name).read().await?),
        None => Ok(Vec::new()),
    }
}
