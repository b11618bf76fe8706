namespace CN2.Api.Data.Rows;

public enum ChangeVerb : short
{
    Added = 1,
    Modified = 2,
    Deleted = 3,
}
