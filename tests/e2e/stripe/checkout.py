"""Checkout Sessions for localstripe, which has none.

Written from Stripe's public documentation (docs.stripe.com/api/checkout/sessions, idempotent
requests), with localstripe's own machinery: a session is one of its objects, what is paid is one of
its PaymentIntents, and its webhooks tell of both. Parameters that are not used here are refused.
"""

import time

from aiohttp import web
from localstripe.errors import UserError
from localstripe.resources import (
    Event, PaymentIntent, PaymentMethod, StripeObject, extra_apis, schedule_webhook,
    try_convert_to_int)

# Where the pages to pay on are; below /_config/, where localstripe asks for no key.
PAGES = '/_config/checkout/pay/'

# What a session may last, in seconds.
LIFE_MIN, LIFE_MAX = 30 * 60, 24 * 60 * 60

base_url = None


class CheckoutSession(StripeObject):
    object = 'checkout.session'
    _id_prefix = 'cs_test_'

    def __init__(self, mode=None, line_items=None, success_url=None, cancel_url=None,
                 client_reference_id=None, customer_email=None, expires_at=None, metadata=None,
                 payment_intent_data=None, **kwargs):
        if kwargs:
            raise UserError(400, 'Unexpected ' + ', '.join(kwargs.keys()))
        expires_at = try_convert_to_int(expires_at)
        data = payment_intent_data or {}
        try:
            assert mode == 'payment'
            assert type(line_items) is list and 0 < len(line_items) <= 100
            amounts = [amount_of(item) for item in line_items]
            assert len({currency for currency, _ in amounts}) == 1
            assert sum(amount for _, amount in amounts) >= 50
            for address in (success_url, cancel_url):
                assert type(address) is str and address.startswith(('http://', 'https://'))
            assert '@' in customer_email
            assert len(client_reference_id) <= 200
            assert type(expires_at) is int
            assert LIFE_MIN <= expires_at - int(time.time()) <= LIFE_MAX
            assert data.keys() <= {'metadata'}
        except (AssertionError, AttributeError, KeyError, TypeError):
            raise UserError(400, 'Bad request')

        super().__init__()
        self.mode = mode
        self.currency = amounts[0][0]
        self.amount_subtotal = self.amount_total = sum(amount for _, amount in amounts)
        self.success_url = success_url
        self.cancel_url = cancel_url
        self.client_reference_id = client_reference_id
        self.customer_email = customer_email
        self.expires_at = expires_at
        self.metadata = metadata or {}
        self.payment_intent = None
        self.payment_status = 'unpaid'
        self.status = 'open'
        self.url = base_url + PAGES + self.id
        self._intent_metadata = data.get('metadata') or {}

    def _pay(self, payment_method):
        """The payer has filled in the page: the payment is localstripe's."""
        if self.status != 'open':
            raise UserError(400, 'Bad request')
        intent = PaymentIntent._api_create(
            amount=self.amount_total, currency=self.currency, metadata=self._intent_metadata,
            payment_method=payment_method, confirm=True)
        self.payment_intent = intent.id
        # localstripe's intent says `succeeded` at once, but the money of a debit comes later.
        has_come = intent.latest_charge.balance_transaction is not None
        self.payment_status = 'paid' if has_come else 'unpaid'
        self.status = 'complete'
        self.url = None
        schedule_webhook(Event('checkout.session.completed', self))

    @classmethod
    def _api_expire(cls, id):
        session = cls._api_retrieve(id)
        if session.status != 'open':
            raise UserError(400, 'Bad request')
        session.status = 'expired'
        session.url = None
        schedule_webhook(Event('checkout.session.expired', session))
        return session


def amount_of(item):
    """The currency of a line, and how much it is."""
    price = item['price_data']
    assert price.keys() == {'currency', 'unit_amount', 'product_data'}
    assert price['product_data']['name']
    unit, count = try_convert_to_int(price['unit_amount']), try_convert_to_int(item['quantity'])
    assert type(unit) is int and type(count) is int and unit > 0 and count > 0
    return price['currency'], unit * count


def register(url):
    """Registers the resource with localstripe, whose server must not be loaded yet."""
    global base_url
    base_url = url
    extra_apis.extend((
        ('POST', '/v1/checkout/sessions', CheckoutSession._api_create),
        ('GET', '/v1/checkout/sessions/{id}', CheckoutSession._api_retrieve),
        ('POST', '/v1/checkout/sessions/{id}/expire', CheckoutSession._api_expire)))


# Answers by idempotency key: what was asked, and what was answered.
answers = {}
# How many answers are still to be lost on their way.
losses = {'left': 0}


@web.middleware
async def idempotency(request, handler):
    """A key makes a request happen once; another request with it is an error."""
    key = request.headers.get('Idempotency-Key')
    if request.path != '/v1/checkout/sessions' or request.method != 'POST':
        return await handler(request)
    if not request.headers.get('Stripe-Version') or not key:
        raise UserError(400, 'Bad request')
    asked = await request.read()
    if key not in answers:
        response = await handler(request)
        answers[key] = asked, response.body
    known, body = answers[key]
    if known != asked:
        raise UserError(400, 'Keys for idempotent requests can only be used with the same '
                             'parameters', {'type': 'idempotency_error'})
    if losses['left'] > 0:
        losses['left'] -= 1
        return web.Response(status=503)
    return web.Response(body=body, content_type='application/json')


async def show_page(request):
    session = CheckoutSession._api_retrieve(request.match_info['id'])
    text = ('<!doctype html><title>Pay</title><form method="post"><button>Pay %d.%02d</button>'
            '</form>' % divmod(session.amount_total, 100))
    return web.Response(text=text, content_type='text/html')


async def take_page(request):
    session = CheckoutSession._api_retrieve(request.match_info['id'])
    method = 'pm_card_visa'
    if (await request.post()).get('delayed'):
        debit = {'iban': 'DE89370400440532013000'}
        method = PaymentMethod(type='sepa_debit', sepa_debit=debit).id
    session._pay(method)
    raise web.HTTPSeeOther(session.success_url)


async def lose_answers(request):
    losses['left'] = int(request.match_info['count'])
    return web.Response()


def add_to(app):
    """Adds what Stripe has beside its API: the pages, and answers for retries."""
    app.middlewares.append(idempotency)
    app.router.add_get(PAGES + '{id}', show_page)
    app.router.add_post(PAGES + '{id}', take_page)
    app.router.add_post('/_config/checkout/lose/{count}', lose_answers)
