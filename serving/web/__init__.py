"""The web page of the desk: plain HTML forms in, decision pages out, in Chinese and English.

No script is needed or sent. Fields, labels, units, bounds and codes come from the data contracts,
sentences from ``i18n/*.yaml``, and an application takes the same path as one sent by API.
"""
