"""The template as CloudFormation gets it, after SAM's transform: prints it as JSON. What is linted and tested is this."""

import json
import logging
import os
import pathlib

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
logging.disable(logging.WARNING)

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """The template names none."""

    def load(self) -> dict:
        return {}


def main() -> None:
    template = yaml_parse((pathlib.Path(__file__).parent / "template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # Where `sam package` puts an archive.
            resource["Properties"]["CodeUri"] = "s3://code/" + resource["Metadata"]["BuildProperties"]["Binary"] + ".zip"
    print(json.dumps(transform(template, {}, NoManagedPolicies()), indent=1))


if __name__ == "__main__":
    main()
