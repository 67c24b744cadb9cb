# SPDX-License-Identifier: GPL-3.0-or-later
"""`python grpc_stream.py FIRST SECOND`: imports `bpy` and `grpc` in that order, and has a thread read a stream."""

import importlib
import os
import sys
import threading
from concurrent import futures

for module in sys.argv[1:]:
    importlib.import_module(module)

import grpc  # noqa: E402
from google.protobuf.wrappers_pb2 import Int64Value  # noqa: E402


class Counting(grpc.GenericRpcHandler):
    """Answers every call with as many numbers as it is asked for."""

    def service(self, details):
        def count(request, context):
            for number in range(request.value):
                yield Int64Value(value=number)

        return grpc.unary_stream_rpc_method_handler(count, Int64Value.FromString, Int64Value.SerializeToString)


server = grpc.server(futures.ThreadPoolExecutor(1))
server.add_generic_rpc_handlers((Counting(),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
told = []


def read():
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        count = channel.unary_stream("/Test/Count", Int64Value.SerializeToString, Int64Value.FromString)
        told.extend(answer.value for answer in count(Int64Value(value=100), timeout=20))


reader = threading.Thread(target=read)
reader.start()
# Blender's own thread goes on with its work meanwhile.
bpy = sys.modules["bpy"]
while reader.is_alive():
    bpy.context.view_layer.update()
assert told == list(range(100)), told
print("streamed", flush=True)
os._exit(0)  # the module hangs or crashes in some versions while it ends
