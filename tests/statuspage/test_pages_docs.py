"""What docs/pages.md shows works as it stands."""

import re
from pathlib import Path

from tests.statuspage.audiences import TOKEN, housed
from tests.stories.surfaces import text
from tests.stories.test_broken_mail_frozen import Clock

CHECKOUT = Path(__file__).resolve().parent.parent.parent


async def test_the_example_serves_the_pages_that_it_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (CHECKOUT / "docs" / "pages.md").read_text(encoding="utf-8"), re.DOTALL)
    async with housed(tmp_path, Clock(), example, STAFF_PAGE_TOKEN=TOKEN) as house:
        assert "Payroll" not in await text(house.public, "/")
        assert "Payroll" in await text(house.public, f"/pages/{TOKEN}/")
        async with house.public.get("/", headers={"Host": "status.customer.example"}) as answer:
            assert "Customer Care" in await answer.text()
        assert "Payroll" in await text(house.internal, "/pages/inside/", await house.token("ada"))
