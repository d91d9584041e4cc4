from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone


def home(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/home.html", {"now": timezone.now()})


def hello(request: HttpRequest, name: str) -> JsonResponse:
    return JsonResponse({"hello": name})


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")
