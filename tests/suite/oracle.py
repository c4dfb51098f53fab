"""privacyIDEA, of whose tokens one is given our key: says of each second and code on standard input whether it takes it."""

import base64
import os
import sys
import tempfile

import privacyidea.config
from privacyidea.app import create_app

STEP = 30


class Settings(privacyidea.config.TestingConfig):
    SQLALCHEMY_DATABASE_URI = "sqlite://"


def main(key, folder):
    Settings.PI_LOGFILE = os.path.join(folder, "log")
    Settings.PI_ENCFILE = os.path.join(folder, "key")
    with open(Settings.PI_ENCFILE, "wb") as file:
        file.write(os.urandom(96))
    privacyidea.config.config["rekey"] = Settings
    with create_app(config_name="rekey", config_file=os.devnull, silent=True).app_context():
        # These need the application's context as they are loaded.
        from privacyidea.lib.config import set_privacyidea_config
        from privacyidea.lib.token import check_serial_pass, init_token
        from privacyidea.models import db

        db.create_all()
        # Its default is three minutes each way.
        set_privacyidea_config("totp.timeWindow", STEP)
        secret = base64.b32decode(key).hex()
        init_token({"type": "totp", "serial": "REKEY", "otpkey": secret, "timeStep": STEP})
        for line in sys.stdin:
            second, code = line.split()
            accepted, _ = check_serial_pass("REKEY", code, options={"initTime": second})
            print("accepted" if accepted else "refused")


with tempfile.TemporaryDirectory() as folder:
    main(sys.argv[1], folder)
