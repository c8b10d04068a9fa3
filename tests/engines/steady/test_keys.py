"""What the keys of geometry and flow text mean to a steady profile, and what is not refused without need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from rasreconcile.engines.steady import keys, plan_keys
from rasreconcile.engines.steady.engine import Steady
from rasreconcile.engines.steady.river_model import parse_model

NAMES = {"project": "Willow.prj", "plan": "Willow.p01", "geometry": "Willow.g01", "flow": "Willow.f01"}
INEFFECTIVE = "    42.2   144.2   126.5   424.6   535.1   126.5"


def texts(demo: Path, old: str = "", new: str = "", kind: str = "geometry") -> dict[str, bytes]:
    found = {kind: (demo / name).read_text() for kind, name in NAMES.items()}
    assert old in found[kind], old
    found[kind] = found[kind].replace(old, new, 1)
    return {kind: text.encode() for kind, text in found.items()}


def run(folder: Path, data: dict[str, bytes]) -> tuple[str, h5py.File]:
    """What the command prints, and the file it leaves."""
    for kind, text in data.items():
        (folder / NAMES[kind]).write_bytes(text)
    command = [sys.executable, "-m", "rasreconcile.engines.steady", "Willow.prj", "01"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout, h5py.File(folder / "Willow.p01.hdf")


@pytest.mark.parametrize("kind", ["geometry", "steady flow", "plan"])
def test_every_key_of_public_projects_has_a_class(hecras_data: Path, kind: str) -> None:
    table = hecras_data.parent / "hecras-keys.tsv"
    if not table.is_file():
        pytest.skip(f"{table} is not there")
    rows = [line.split("\t") for line in table.read_text().splitlines() if line.startswith(f"{kind}\t")]
    bearing = {"geometry": keys.bearing, "steady flow": keys.flow_bearing, "plan": plan_keys.bearing}[kind]
    assert len(rows) > 30
    assert [key for _, key, _ in rows if bearing(key) is None] == []


def test_no_key_has_two_classes() -> None:
    assert not keys.MODELLED.keys() & keys.REFUSED.keys()
    assert not keys.WITHOUT_BEARING & (keys.MODELLED.keys() | keys.REFUSED.keys())
    assert not keys.FLOW_MODELLED & (keys.FLOW_REFUSED.keys() | keys.FLOW_WITHOUT_BEARING)
    of_plans = (plan_keys.MODELLED, plan_keys.REFUSED, plan_keys.DOUBTFUL, plan_keys.WITHOUT_BEARING)
    assert len(frozenset().union(*of_plans)) == sum(map(len, of_plans))


def test_the_page_lists_every_key_with_its_class() -> None:
    page = (Path(__file__).parents[3] / "docs" / "steady.md").read_text()
    named = (*keys.MODELLED, *keys.REFUSED, *keys.WITHOUT_BEARING, *keys.FLOW_MODELLED, *keys.FLOW_REFUSED)
    prefixes = (*keys.REFUSED_PREFIXES, *keys.PREFIXES_WITHOUT_BEARING, *keys.FLOW_PREFIXES_WITHOUT_BEARING)
    named += (*plan_keys.MODELLED, *plan_keys.REFUSED, *plan_keys.DOUBTFUL, *plan_keys.WITHOUT_BEARING)
    prefixes += (*plan_keys.ENCROACHMENTS, *plan_keys.PREFIXES_WITHOUT_BEARING)
    wanted = [f"`{key}`" for key in named] + [f"`{prefix}…`" for prefix in prefixes]
    assert [key for key in wanted if key not in page] == []


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("Up River,Reach=Elm,Main", "a junction"),
        ("Storage Area Surface Line= 4", "a storage area"),
        ("Conn Weir SE= 2", "a connection between areas"),
        ("Lateral Weir Pos=0", None),
        ("Lateral Weir Distance=20", "a lateral structure"),
        ("Culvert Bottom n=0.03", "a culvert"),
        ("BR Coef=-1 , 1 , 0", "a bridge"),
        ("Pump Station Group=Group 1", "a pump station"),
        ("Ice Thickness=0,0.5,0", "ice"),
        ("Ice Thickness=0,0,0", None),
        ("Sediment Elevation=120", "a section filled with sediment"),
        ("Minor Loss Coefficient=0.2", "a minor loss"),
        ("Minor Loss Coefficient=", None),
        ("Use User Specified Reach Order=1", None),
        ("User Specified Reach Order= 1 ,Willow Creek,Main", None),
        ("GIS Something New=4", None),
        ("BC Line Name=Upstream", None),
        ("BreakLine CellSize Min=50", None),
        ("Modified Puls Routing Region=4,5", None),
        ("Exp/Cntr(USF)=0,0", None),
    ],
)
def test_a_key_is_refused_only_where_it_changes_a_steady_profile(
    demo: Path, key: str, said: str | None
) -> None:
    refused = Steady().refuses(texts(demo, "River Reach", f"{key}\nRiver Reach"), NAMES)
    if said is None:
        assert refused is None
    else:
        assert refused is not None
        assert f": {said} is not modelled" in str(refused)


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("geometry", "Bank Sta=250,316", "Bed Lining=2\nBank Sta=250,316", "WARNING: Willow.g01:18: 'Bed Lining'"),
        ("flow", "Profile Names", "Flow Mood= 3\nProfile Names", "WARNING: Willow.f01:4: 'Flow Mood'"),
    ],
)  # fmt: skip
def test_a_key_nobody_knows_is_a_warning_with_its_line(
    demo: Path, tmp_path: Path, kind: str, old: str, new: str, said: str
) -> None:
    printed, file = run(tmp_path, texts(demo, old, new, kind))
    assert f"{said} is not known to the steady engine" in printed
    with file:
        assert said in file["Results/Summary/Compute Messages (text)"][0].decode()


# ---- not refused without need


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Starting Rch & RM=Elm,Main,2", "'Starting Rch & RM' is not modelled by the steady engine; ignored"),
        ("Roughness Change= 0 ", None),
        ("Debris Method=2", "'Debris Method' is not known to the steady engine; ignored"),
        ("Debris Method= 0 ", None),
        ("UNET Theta= 1 ", None),
        ("Encroach Param=-1 ,0,0, 0 ", None),
    ],
)
def test_a_key_of_the_plan_that_may_change_a_profile_is_a_warning_with_its_line(
    demo: Path, line: str, said: str | None
) -> None:
    data = texts(demo)
    data["plan"] = f"{line}\n".encode() + data["plan"]
    assert parse_model(data, NAMES).settings.warnings == ((f"Willow.p01:1: {said}",) if said else ())


def test_an_overbank_without_width_may_have_no_roughness(demo: Path) -> None:
    model = parse_model(
        texts(
            demo,
            "       0    .065       0     250    .035       0     316     .07       0\nBank Sta=250,316",
            "       0       0       0       0    .035       0     580       0       0\nBank Sta=0,580",
        ),
        NAMES,
    )
    assert model.geometry.reaches[0].sections[0].roughness == ((0, 0), (0, 0.035), (580, 0))


@pytest.mark.parametrize(
    ("row", "sides"),
    [
        ("    42.2   144.2   126.5", ["left"]),
        ("    42.2   144.2   126.5                        ", ["left"]),
        ("                        " + "   424.6   535.1   126.5", ["right"]),
        (" " * 48, []),
        ("", []),
    ],
)
def test_blank_columns_of_an_ineffective_area_are_no_area(demo: Path, row: str, sides: list[str]) -> None:
    model = parse_model(texts(demo, INEFFECTIVE, row), NAMES)
    blocks = model.geometry.reaches[0].sections[3].ineffective
    assert ["left" if block.left < 0 else "right" for block in blocks] == sides


@pytest.mark.parametrize(
    ("levee", "height"),
    [("-1,120,,0,,,,", 130.2), ("-1,80,,0,,,0,0", 132.35), ("0,,,0,,", None), ("0,120,,0,,", None), (",,,,,,,Old", None)],
)  # fmt: skip
def test_a_levee_without_an_elevation_is_as_high_as_its_ground(
    demo: Path, levee: str, height: float | None
) -> None:
    model = parse_model(texts(demo, "Bank Sta=250,316", f"Levee={levee}\nBank Sta=250,316"), NAMES)
    left, right = model.geometry.reaches[0].sections[0].levees
    assert right is None
    assert (left and left.elevation) == (height and pytest.approx(height))
    assert len(model.geometry.warnings) == (height is not None)


@pytest.mark.parametrize(
    ("roughness", "slope", "refused"),
    [
        ("     281    .045       0", "", True),  # the bank falls 8 ft in 31
        ("     281    .035       0", "", False),  # one n
        ("     281    .045       0", "Composite Channel Slope=2\n", False),
    ],
)
def test_a_composite_n_of_a_steep_channel_is_refused(
    demo: Path, roughness: str, slope: str, refused: bool
) -> None:
    old = "#Mann= 3 , 0 , 0 \n       0    .065       0     250    .035       0     316     .07       0"
    new = f"#Mann= 4 ,-1 , 0 \n       0    .065       0     250    .035       0{roughness}\n     316     .07       0"
    data = texts(demo, old, new)
    data["geometry"] += slope.encode()
    said = Steady().refuses(data, NAMES)
    assert (said is not None) == refused
    assert said is None or "Willow.g01:11: a composite n of the channel at 2400" in said.what
