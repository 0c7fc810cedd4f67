"""Prints the template as JSON, after SAM's transform, in the form that CloudFormation gets. This form is linted and tested."""

import json
import logging
import os
import pathlib

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
logging.disable(logging.WARNING)

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """The managed policies, of which the template names none."""

    def load(self) -> dict:
        return {}


def main() -> None:
    template = yaml_parse((pathlib.Path(__file__).parent / "template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # The location to which `sam package` uploads an archive.
            resource["Properties"]["CodeUri"] = "s3://code/" + resource["Metadata"]["BuildProperties"]["Binary"] + ".zip"
    print(json.dumps(transform(template, {}, NoManagedPolicies()), indent=1))


if __name__ == "__main__":
    main()
