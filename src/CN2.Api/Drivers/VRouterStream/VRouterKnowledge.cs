namespace CN2.Api.Drivers.VRouterStream;

/// <summary>
/// What an agent understands of what older agents do not know. <paramref name="Parts"/>: a change in parts. <paramref name="Inside"/>: backends for
/// callers inside alone; an older agent would let everybody use them.
/// </summary>
internal readonly record struct VRouterKnowledge(bool Parts, bool Inside)
{
    public static VRouterKnowledge Of(VRouter.V1.Hello hello) => new(hello.TakesParts, hello.TakesInside);
}
