"""Addresses of live connections of screens."""

from django.urls import path

from scheduling.consumers import BoardConsumer

websocket_urlpatterns = [path("ws/board/", BoardConsumer.as_asgi(), name="board")]
