"""What opens bytes from outside: pictures and PDFs. No Django here.

`core.uploads` runs this package in a process of its own without keys in its environment, with limits of memory and time,
so that a file made to harm can at most end that process.
"""
