namespace CN2.Api.Drivers;

/// <summary>
/// A path that an earlier run of this control node may have announced. <see cref="Identifier"/>: the number by which routers know it
/// (RFC 7911); 0 when that is not known.
/// </summary>
public readonly record struct AnnouncedPath(BgpPathKey Path, uint Identifier);
