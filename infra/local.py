"""The whole stack on this machine: an emulator of AWS, a simulated Braze workspace, and infra/template.yaml unchanged.

`cargo xtask aws-local` runs this script, after it has installed the requirements and built the binaries. Only the location of the code and
the endpoints differ from a deployment.
"""

import argparse
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile

import boto3

ENVIRONMENT = "local"
KEY = "demo-key"
TOKEN = "demo-token"
ACCOUNT = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
INFRA = pathlib.Path(__file__).parent
TEMPLATE = (INFRA / "template.yaml").read_text()
FUNCTIONS = re.findall(r"CodeUri: \.\./crates/functions/([\w-]+)", TEMPLATE)


def archive(binary: pathlib.Path, directory: pathlib.Path) -> bytes:
    """Returns a function's archive: its binary without symbols, under the name that the runtime starts."""
    stripped = directory / binary.name
    subprocess.run(["strip", "-o", stripped, binary], check=True)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        packed.writestr(entry, stripped.read_bytes(), zipfile.ZIP_DEFLATED, 1)
    return buffer.getvalue()


def localised(template: str, endpoint: str, logged: str) -> str:
    """Returns the template with the code in the emulator's bucket, and with functions that call the emulator and name themselves."""
    named = r"""CodeUri: s3://code/\1.zip
      Environment: { Variables: { AWS_SDK_UA_APP_ID: \1 } }"""
    template = re.sub(r"CodeUri: \.\./crates/functions/([\w-]+)", named, template)
    variables = {"AWS_ENDPOINT_URL": endpoint, **ACCOUNT}
    added = "".join(f'        {name}: "{value}"\n' for name, value in variables.items())
    template = template.replace("        RUST_LOG: info\n", f"        RUST_LOG: {logged}\n{added}")
    # The emulator passes a parameter's number as a string here.
    return template.replace("!Ref WorkersAtOnce", "4")


def answering(url: str, process: subprocess.Popen) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended")
        try:
            urllib.request.urlopen(url, timeout=1).read()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"nothing answers at {url}")


def deploy(endpoint: str, called_at: str, logged: str, binaries: pathlib.Path, scratch: pathlib.Path) -> dict:
    """Creates the stack and returns its outputs."""
    def client(service):
        return boto3.client(service, endpoint_url=endpoint, region_name=ACCOUNT["AWS_REGION"],
                            aws_access_key_id="local", aws_secret_access_key="local")
    s3, ssm, stacks = client("s3"), client("ssm"), client("cloudformation")
    s3.create_bucket(Bucket="code")
    for function in FUNCTIONS:
        s3.put_object(Bucket="code", Key=f"{function}.zip", Body=archive(binaries / function, scratch))
    for name, value in [("intake/id-key", "07" * 32), ("braze/demo", KEY)]:
        ssm.put_parameter(Name=f"/quikly-braze/{ENVIRONMENT}/{name}", Value=value, Type="SecureString")
    stacks.create_stack(StackName=ENVIRONMENT, TemplateBody=localised(TEMPLATE, called_at, logged),
                        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
                        Parameters=[{"ParameterKey": "Environment", "ParameterValue": ENVIRONMENT}])
    for _ in range(240):
        stack = stacks.describe_stacks(StackName=ENVIRONMENT)["Stacks"][0]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(0.25)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        sys.exit(f"the stack is {stack['StackStatus']}: {stack.get('StackStatusReason')}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def brand(braze: str) -> str:
    """The demo's brand, at this workspace, with its key in the Parameter Store and the wait for settling in the Scheduler."""
    text = (INFRA / "../crates/quikly-braze/src/demo.toml").read_text()
    for demos, ours in [('"http://127.0.0.1:8081"', f'"{braze}"'),
                        ('{ env = "DEMO_KEY" }', f'{{ ssm = "/quikly-braze/{ENVIRONMENT}/braze/demo" }}'),
                        ('settle_by = "queue"\n', "")]:
        if text.count(demos) != 1:
            sys.exit(f"demo.toml does not have {demos} once")
        text = text.replace(demos, ours)
    return text


def demo(endpoint: str, braze: str, outputs: dict, binaries: pathlib.Path, directory: pathlib.Path) -> None:
    """Pushes the demo brand, and prints example requests."""
    (directory / "brands").mkdir(parents=True, exist_ok=True)
    (directory / "brands" / "demo.toml").write_text(brand(braze))
    pushed = dict(os.environ, AWS_ENDPOINT_URL=endpoint, **ACCOUNT)
    subprocess.run([binaries / "quikly-braze", "brands", "push", "--allow-private", "--brands", directory / "brands",
                    "--environment", ENVIRONMENT], env=pushed, check=True)
    participations, webhook = host(outputs["ParticipationsUrl"]), host(outputs["WebhookUrl"])
    print(f"""
quikly-braze on an emulated AWS
  emulator         {endpoint}  (log: {directory / 'emulator.log'})
  Braze workspace  {braze}  (simulated)

  curl -X POST {endpoint}/participations -H 'Host: {participations}' -H 'Content-Type: application/json' -d '{{"scope":"demo-spring","email":"ada@example.com"}}'
  curl {endpoint}/participations/ID -H 'Host: {participations}'
  curl -X POST {endpoint}/webhook/braze -H 'Host: {webhook}' -H 'Authorization: Bearer {TOKEN}' -H 'Content-Type: application/json' -d '{{"q_scope":"demo-spring","event":"signed_in","email":"ada@example.com"}}'
  curl '{braze}/_sim/profiles?email=ada@example.com'

Ctrl-C ends it.""", flush=True)


def host(url: str) -> str:
    """Returns the host name by which the emulator knows an address."""
    return url.split("//")[1].split("/")[0].split(":")[0]


def started(command: list, log, **environment) -> subprocess.Popen:
    """Starts a process in a process group of its own, so that its children end with it."""
    return subprocess.Popen(command, env=dict(os.environ, **environment), stdout=log, stderr=log, start_new_session=True)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--binaries", type=pathlib.Path, required=True)
    arguments.add_argument("--directory", type=pathlib.Path, required=True)
    arguments.add_argument("--port", type=int, default=4566)
    arguments.add_argument("--called-at", help="the endpoint of AWS for the functions, if not the emulator itself")
    arguments.add_argument("--logged", default="info", help="the log filter of the functions, in the form of RUST_LOG")
    arguments.add_argument("--bare", action="store_true",
                           help="run the stack without the demo until standard input ends, and describe it in DIRECTORY/stack.json")
    arguments = arguments.parse_args()
    directory, binaries = arguments.directory, arguments.binaries
    directory.mkdir(parents=True, exist_ok=True)
    endpoint, braze = f"http://127.0.0.1:{arguments.port}", f"http://127.0.0.1:{arguments.port + 1}"
    log = open(directory / "emulator.log", "w")
    # The emulator unpacks 240 MB of functions into its temporary directory, and leaves them there when it is killed.
    temporary = tempfile.TemporaryDirectory()
    scratch = pathlib.Path(temporary.name)
    emulator = started([pathlib.Path(sys.executable).parent / "ministack"], log, BIND_HOST="127.0.0.1",
                       GATEWAY_PORT=str(arguments.port), TMPDIR=temporary.name,
                       # The emulator hands this variable to the functions, in place of the one that the template gives them.
                       AWS_ENDPOINT_URL=arguments.called_at or endpoint)
    running = [emulator]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        answering(f"{endpoint}/_ministack/health", emulator)
        outputs = deploy(endpoint, arguments.called_at or endpoint, arguments.logged, binaries, scratch)
        if arguments.bare:
            told = {"participations": host(outputs["ParticipationsUrl"]), "webhook": host(outputs["WebhookUrl"])}
            (directory / "stack.part").write_text(json.dumps(told))
            (directory / "stack.part").rename(directory / "stack.json")
            sys.stdin.read()
        else:
            sim = started([binaries / "quikly-braze", "sim", "--listen", braze.removeprefix("http://"), "--settle", "2s",
                           "--api-key", KEY], log)
            running.append(sim)
            answering(braze, sim)
            demo(endpoint, braze, outputs, binaries, directory)
            emulator.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        temporary.cleanup()


if __name__ == "__main__":
    main()
