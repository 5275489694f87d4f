"""Rents a slice with a client that openapi-python-client has made: rent.py URL TOKEN NODE.

Prints the rental's id.
"""

import sys

from mycelium_client import AuthenticatedClient
from mycelium_client.api.marketplace import search_slices
from mycelium_client.api.rentals_and_wallet import show_rental
from mycelium_client.api.renting import rent_slice
from mycelium_client.models import Problem, RentAnswer, RentBody


def main() -> None:
    url, token, node = sys.argv[1:]
    market = AuthenticatedClient(
        base_url=url,
        token=token,
        raise_on_unexpected_status=True,
        httpx_args={"trust_env": False},
    )
    offers = search_slices.sync(client=market, limit=5)
    if node not in [offer.node_id for offer in offers.items]:
        sys.exit(f"{node} has no free slice")

    def rent(months: int) -> RentAnswer | Problem:
        body = RentBody.from_dict({"node_id": node, "duration_months": months})
        key = "made-by-openapi-python-client"
        return rent_slice.sync(client=market, body=body, idempotency_key=key)

    rented = rent(1)
    if not isinstance(rented, RentAnswer):
        sys.exit(f"not rented: {rented}")
    shown = show_rental.sync(rented.rental.id, client=market)
    print(shown.id)

    # What goes wrong is read as well: this key belongs to another request.
    refused = rent(3)
    if not isinstance(refused, Problem):
        sys.exit(f"not refused: {refused}")
    print(refused.type_)


main()
