"""Files for particular ERPs and banks: which legal entity gets which, and how they are checked and written.

What belongs here: the engine that all formats share. What does not: any one format; each is a module
of ``publish/formats`` with an ``ERP``, its column list and the documentation that it follows.
"""
