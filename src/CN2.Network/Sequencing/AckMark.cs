namespace CN2.Network.Sequencing;

/// <summary>Something a vRouter has to acknowledge: by revision where its agent dialled this replica, by feed position elsewhere.</summary>
public readonly record struct AckMark(ulong Revision, long Position);
