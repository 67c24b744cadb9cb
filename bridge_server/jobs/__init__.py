# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job is, where it is kept, what happened to it, and when it runs.

`states` is the law, `store` the authority, `events` the history that clients replay, `scheduler` the one that acts;
`work` is the seam to whoever runs a job (dispatch/).
"""
