from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tracker.settings import VARIABLES, MailServer, SettingsError, load, shipped


def complaint(**variables: str) -> str:
    with pytest.raises(SettingsError) as raised:
        load(variables)
    return str(raised.value)


def test_everything_has_a_working_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = load({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.data_dir == tmp_path / "var"
    assert settings.database_url.render_as_string() == f"sqlite:///{tmp_path}/var/tracker.db"
    assert settings.zone == ZoneInfo("America/New_York")
    assert settings.clock is None
    assert settings.smtp_url is None
    assert not settings.data_dir.exists()


def test_an_empty_variable_counts_as_unset():
    assert load(dict.fromkeys(VARIABLES, " ")) == load({})


def test_variables_of_others_and_of_the_tests_are_ignored():
    assert load({"PATH": "/bin", "TRACKER_TEST_POSTGRES": "postgresql:///x"}) == load({})


def test_the_database_lies_in_the_data_folder(tmp_path):
    assert load({"TRACKER_DATA_DIR": str(tmp_path)}).database_url.database == str(tmp_path / "tracker.db")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_postgresql_means_psycopg_3(scheme):
    url = load({"TRACKER_DATABASE_URL": f"{scheme}://ana:geheim@db:5433/tracker"}).database_url
    assert url.render_as_string(hide_password=False) == "postgresql+psycopg://ana:geheim@db:5433/tracker"


def test_a_relative_sqlite_file_is_found_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load({"TRACKER_DATABASE_URL": "sqlite:///here.db"}).database_url.database == str(
        tmp_path / "here.db"
    )


def test_the_clock_is_an_instant():
    assert load({"TRACKER_CLOCK": "2025-09-01T02:00:00+02:00"}).clock == datetime(2025, 9, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("db", "http://db:80"),
    ],
)
def test_the_public_address_follows_from_host_and_port(host, url):
    assert load({"TRACKER_HOST": host, "TRACKER_PORT": "80"}).public_url == url


def test_a_public_address_ends_without_a_slash():
    assert load({"TRACKER_PUBLIC_URL": "https://example.org/t/"}).public_url == "https://example.org/t"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail", MailServer("mail", 587, tls=False)),
        ("smtp://mail:25", MailServer("mail", 25, tls=False)),
        (
            "smtps://ana%40x.org:p%2Fw@mail",
            MailServer("mail", 465, tls=True, user="ana@x.org", password="p/w"),
        ),
    ],
)
def test_a_mail_server_is_an_address(url, server):
    assert load({"TRACKER_SMTP_URL": url}).smtp_url == server


def test_hosts_are_named_with_or_without_a_port():
    hosts = load(
        {"TRACKER_PRIVATE_HOSTS": "Hooks.Intranet, 10.1.2.3:8080,FD00:0::7,[fd00::8]:9"}
    ).private_hosts
    assert hosts == {("hooks.intranet", None), ("10.1.2.3", 8080), ("fd00::7", None), ("fd00::8", 9)}


def test_a_bad_value_is_named_with_its_remedy():
    assert complaint(TRACKER_PORT="abc") == "TRACKER_PORT=abc: must be a whole number from 1 to 65535"


def test_all_that_is_wrong_is_said_in_one_line():
    line = complaint(TRACKER_PORT="0", TRACKER_ZONE="Europe/Pariss", TRACKER_HOST="a\nb")
    assert line.split("; ")[0] == r"TRACKER_HOST='a\nb': must be a host name or an address, without a port"
    assert "TRACKER_PORT=0: must be a whole number from 1 to 65535" in line
    assert "TRACKER_ZONE=Europe/Pariss: must be an IANA time zone; did you mean Europe/Paris?" in line
    assert "\n" not in line


def test_a_misspelt_variable_is_an_error_that_names_the_nearest():
    assert complaint(TRACKER_PROT="1") == "TRACKER_PROT: is not a setting; did you mean TRACKER_PORT?"
    assert "these are: TRACKER_HOST" in complaint(TRACKER_WHATEVER="1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "http://localhost"),
        ("HOST", "localhost:8000"),
        ("PORT", "65536"),
        ("PORT", "-1"),
        ("PORT", "٨٠"),
        ("PORT", "1e3"),
        ("PUBLIC_URL", "tracker.example.org"),
        ("PUBLIC_URL", "https://example.org/?a=b"),
        ("PUBLIC_URL", "https://example.org:port"),
        ("DATA_DIR", __file__),
        ("DATA_DIR", f"{__file__}/below"),
        ("DATABASE_URL", "tracker.db"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("DATABASE_URL", "sqlite://tracker.db"),
        ("DATABASE_URL", "mysql://localhost/tracker"),
        ("DATABASE_URL", "postgresql+asyncpg://localhost/tracker"),
        ("DATABASE_URL", "postgresql://localhost:port/tracker"),
        ("ZONE", "Mars"),
        ("ZONE", "../Paris"),
        ("ZONE", "America"),
        ("ZONE", "/etc/localtime"),
        ("CLOCK", "2025-09-01"),
        ("CLOCK", "2025-09-01T00:00:00"),
        ("CLOCK", "2025-02-30T00:00:00Z"),
        ("CLOCK", "0001-01-01T00:00:00+23:00"),
        ("READING", "ajar"),
        ("SMTP_URL", "mail.example.org:25"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail:port"),
        ("SMTP_URL", "smtp://mail/path"),
        ("MAIL_FROM", "nobody"),
        ("MAIL_FROM", "a@x.org, b@x.org"),
        ("MAIL_FROM", "a@x.org\r\nBcc: b@x.org"),
        ("PRIVATE_HOSTS", "http://hooks"),
        ("PRIVATE_HOSTS", "10.1.2.3:0"),
        ("PRIVATE_HOSTS", "10.1.2.3:x"),
        ("PRIVATE_HOSTS", "hooks,"),
        ("PRIVATE_HOSTS", "10.0.0.0/8"),
        ("PRIVATE_HOSTS", "[hooks"),
        ("PRIVATE_HOSTS", "*.intranet"),
        ("PLAIN_HTTP", "yes"),
        ("SECRET_KEY", "hunter2"),
        ("SECRET_KEY", "A" * 42),
        ("SECRET_KEY", f"{'A' * 43}=,"),
        ("SECRET_KEY", f"{'é' * 43}="),
        ("THREADS", "0"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_what_cannot_be_meant_is_refused(name, value):
    line = complaint(**{f"TRACKER_{name}": value})
    assert line.startswith(f"TRACKER_{name}")
    assert ": must be " in line
    assert "\n" not in line


def test_secrets_are_never_shown():
    settings = load(
        {"TRACKER_DATABASE_URL": "postgresql://ana:geheim@db/x", "TRACKER_SMTP_URL": "smtp://ana:geheim@mail"}
    )
    assert "geheim" not in repr(settings) + repr(settings.smtp_url) + str(settings.database_url)
    assert "geheim" not in complaint(
        TRACKER_DATABASE_URL="mysql://ana:geheim@db/x", TRACKER_SMTP_URL="geheim"
    )


def test_shipped_folders_are_found():
    assert shipped("migrations") == Path(__file__).parent.parent / "migrations"
