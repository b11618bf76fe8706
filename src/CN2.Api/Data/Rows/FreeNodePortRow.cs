namespace CN2.Api.Data.Rows;

public sealed class FreeNodePortRow
{
    public int Port { get; set; }
    public short Protocol { get; set; }
}
