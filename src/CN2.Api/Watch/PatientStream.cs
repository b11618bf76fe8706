namespace CN2.Api.Watch;

/// <summary>
/// The body of a watch. A write that the client does not take within <paramref name="limit"/> ends in a <see cref="TimeoutException"/>: a
/// client that hardly reads would hold its list and its events in memory for ever.
/// </summary>
internal sealed class PatientStream(Stream body, TimeSpan limit, TimeProvider time) : Stream
{
    public override bool CanRead => false;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await TakenAsync(body.WriteAsync(buffer, cancellationToken).AsTask());

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        TakenAsync(body.WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask());

    public override Task FlushAsync(CancellationToken cancellationToken) => TakenAsync(body.FlushAsync(cancellationToken));

    public override void Flush() => throw new NotSupportedException();
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private Task TakenAsync(Task write) => write.IsCompletedSuccessfully ? write : write.WaitAsync(limit, time);
}
