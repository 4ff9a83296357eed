"""A certificate authority of the tests' own, for names outside the zone and for backends."""

import datetime
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM


class Issuer:
    def __init__(self, name="Test CA"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.cert = self.sign(self.name, self.key.public_key(), [], ca=True)
        self.pem = self.cert.public_bytes(PEM).decode()

    def sign(self, name, public, hosts, ca=False):
        now = datetime.datetime.utcnow()
        b = (x509.CertificateBuilder().subject_name(name).issuer_name(self.name)
             .public_key(public).serial_number(x509.random_serial_number())
             .not_valid_before(now - datetime.timedelta(hours=1))
             .not_valid_after(now + datetime.timedelta(days=30))
             .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
        if hosts:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(h) for h in hosts]),
                                critical=False)
        return b.sign(self.key, hashes.SHA256())

    def write(self, folder, name, hosts):
        """NAME.key and NAME.pem, each replaced at once; the serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self.sign(x509.Name([]), key.public_key(), hosts)
        private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
        for file, data in ((f"{name}.key", private), (f"{name}.pem", cert.public_bytes(PEM))):
            (folder / (file + ".new")).write_bytes(data)
            os.replace(folder / (file + ".new"), folder / file)
        return cert.serial_number
