# The local stand-in for PYTHON_BASE: a Debian tree made by debootstrap (see base.py), as one layer.
FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["/bin/sh"]
