# A CPU image. For a GPU give a base that has Python 3.11 or newer, the module venv and a CUDA runtime:
#   docker build --build-arg BASE_IMAGE=pytorch/pytorch:2.7.1-cuda12.8-cudnn9-runtime -t heatsvc:0.1.0-gpu .
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}

# The kernels are compiled for any CPU of the image's architecture, so that what the build compiled serves everywhere:
# measured, they are as fast as those compiled for the machine at hand. numba wants its cache writable even to read it,
# so it lies in the data volume; a new volume takes over what the image has there.
ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    NUMBA_CPU_NAME=generic \
    NUMBA_CACHE_DIR=/var/lib/heatsvc/numba \
    HEATSVC_HOST=0.0.0.0 \
    HEATSVC_PORT=8000 \
    HEATSVC_DATA_DIR=/var/lib/heatsvc \
    PATH=/opt/heatsvc/bin:$PATH

# With the base's own packages in sight: a GPU base brings the torch that fits its CUDA.
RUN python3 -m venv --system-site-packages /opt/heatsvc \
    && useradd --system --uid 10001 --home-dir /var/lib/heatsvc --create-home --shell /usr/sbin/nologin heatsvc

# The dependencies first, and alone: this layer stays when only the service's own code has changed.
WORKDIR /usr/src/heatsvc
COPY pyproject.toml constraints.txt ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" \
        > /tmp/requirements.txt \
    && pip install -c constraints.txt -r /tmp/requirements.txt \
    && rm /tmp/requirements.txt

COPY CMakeLists.txt README.md LICENSE ./
COPY src ./src
COPY heatsvc ./heatsvc
RUN pip install --no-deps .

USER 10001:10001
WORKDIR /var/lib/heatsvc
RUN heatsvc warm

VOLUME /var/lib/heatsvc
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['HEATSVC_PORT']), timeout=4); c.request('GET', '/health/ready'); sys.exit(c.getresponse().status != 200)"]
CMD ["heatsvc", "serve"]
