"""Where browsers report what the Content-Security-Policy refused."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.guards import public
from accounts.limits import is_too_often
from core import csp_reports

PER_MINUTE = 60  # from one address; a broken page reports a handful


@csrf_exempt  # browsers send these reports by themselves, without a token
@public
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """Keep a report; whatever was sent, the answer is empty."""
    fits = _length(request) <= csp_reports.MOST_BYTES
    if fits and not is_too_often(request, "csp", limit=PER_MINUTE, seconds=60):
        for report in csp_reports.parse(request.body):
            csp_reports.keep(report)
    return HttpResponse(status=204)


def _length(request: HttpRequest) -> int:
    text = request.headers.get("Content-Length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else csp_reports.MOST_BYTES + 1
