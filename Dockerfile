# A CPU image; docker-compose.gpu.yml builds one for a GPU, on another base and with the extra `torch`.
ARG BASE_IMAGE=python:3.11-slim-bookworm

# The wheel, with compiled kernels: they run on every processor of the image's architecture, and are fast on each.
FROM ${BASE_IMAGE} AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends g++ python3-venv
WORKDIR /usr/src/heatsvc
COPY CMakeLists.txt pyproject.toml README.md LICENSE ./
COPY src ./src
COPY heatsvc ./heatsvc
ENV HEATSVC_REQUIRE_NATIVE=1
RUN python3 -m venv /opt/build && /opt/build/bin/pip wheel --no-deps --wheel-dir /opt/wheels .

FROM ${BASE_IMAGE}
ARG EXTRA=
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    HEATSVC_HOST=0.0.0.0 \
    HEATSVC_PORT=8000 \
    HEATSVC_DATA_DIR=/var/lib/heatsvc \
    HEATSVC_KERNELS=native \
    PATH=/opt/heatsvc/bin:$PATH

# A base may come without Python.
RUN python3 -c "import ensurepip, venv" 2> /dev/null \
    || (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv \
        && rm -rf /var/lib/apt/lists/*)
RUN python3 -m venv /opt/heatsvc \
    && useradd --system --uid 10001 --home-dir /var/lib/heatsvc --create-home --shell /usr/sbin/nologin heatsvc

# The dependencies first, with the readers of .h5 and .parquet (50 MB), and alone: this layer stays when only the service's own code has changed.
WORKDIR /usr/src/heatsvc
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; extras = project['optional-dependencies']; print(*project['dependencies'], *extras['hdf5'], *extras['parquet'], *extras.get('$EXTRA', ()), sep='\n')" \
        > /tmp/requirements.txt \
    && pip install -c constraints.txt -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY --from=build /opt/wheels /opt/wheels
RUN pip install --no-deps /opt/wheels/*.whl

USER 10001:10001
WORKDIR /var/lib/heatsvc
VOLUME /var/lib/heatsvc
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['HEATSVC_PORT']), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
CMD ["heatsvc", "serve"]
